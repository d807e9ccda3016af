import { useCallback, useEffect, useState } from "react";
import { useAction } from "../action.js";
import { getJson } from "../api.js";
import { Panel } from "./Panel.jsx";

const WORKING_EVERY_MS = 1000;

/* What Django says of the user; and a switch that keeps asking, so that refreshes come about. */
export function WhoAmI({ onName }) {
  const [me, setMe] = useState(null);
  const [working, setWorking] = useState(false);
  const [answers, setAnswers] = useState(0);

  const asking = useAction(
    useCallback(async () => {
      const answer = await getJson("/api/whoami/");
      setMe(answer);
      setAnswers((n) => n + 1);
      onName(answer.username ?? "");
    }, [onName]),
  );
  const { run, busy } = asking;
  useEffect(() => {
    run();
  }, [run]);
  useEffect(() => {
    if (!working || busy) return;
    const next = setTimeout(run, WORKING_EVERY_MS);
    return () => clearTimeout(next);
  }, [working, busy, run]);

  return (
    <Panel
      id="whoami"
      title="Who am I"
      lead="Asked of Django, which knows only the token."
      error={asking.error}
    >
      <dl className="facts">
        {Object.entries(me ?? {}).map(([name, value]) => (
          <div key={name}>
            <dt>{name.replaceAll("_", " ")}</dt>
            <dd>{typeof value === "string" ? value || "none" : JSON.stringify(value)}</dd>
          </div>
        ))}
      </dl>
      <label className="switch">
        <input
          type="checkbox"
          id="keep-working"
          checked={working}
          onChange={(e) => setWorking(e.target.checked)}
        />
        <span>Keep asking, once a second</span>
      </label>
      <p className="outcome">
        Answered <span id="answers">{answers}</span> {answers === 1 ? "time" : "times"}.
      </p>
    </Panel>
  );
}
