import { useCallback, useEffect, useState } from "react";
import { useAction } from "../action.js";
import { api, getJson } from "../api.js";
import { Panel } from "./Panel.jsx";

const when = (text) =>
  new Date(text).toLocaleString([], { dateStyle: "medium", timeStyle: "short" });

/* Where else one is signed in, and a way to end that. */
export function Sessions() {
  const [sessions, setSessions] = useState([]);

  const reading = useAction(
    useCallback(async () => setSessions((await getJson("/bff/sessions")).sessions), []),
  );
  const { run } = reading;
  useEffect(() => {
    run();
  }, [run]);

  const ending = useAction(async (path) => {
    await api(path, { method: "DELETE" });
    await run();
  });
  const others = sessions.filter((session) => !session.current);

  return (
    <Panel
      id="sessions"
      title="Where you are signed in"
      lead="Each browser has a session of its own. One that you end is over at once."
      error={reading.error ?? ending.error}
    >
      <ul className="sessions" aria-label="Sessions">
        {sessions.map((session) => (
          <li key={session.id} data-current={session.current}>
            <p>
              <span className="device">{session.device}</span>
              <span className="seen">
                {session.current ? "this browser" : `last seen ${when(session.last_seen)}`}, since{" "}
                {when(session.created)}
              </span>
            </p>
            {!session.current && (
              <button
                type="button"
                className="plain"
                aria-label={`End the session of ${session.device}`}
                disabled={ending.busy}
                onClick={() => ending.run(`/bff/sessions/${session.id}`)}
              >
                End
              </button>
            )}
          </li>
        ))}
      </ul>
      <p className="row">
        <button type="button" className="plain" onClick={run} disabled={reading.busy}>
          Look again
        </button>
        {others.length > 1 && (
          <button
            type="button"
            id="end-others"
            onClick={() => ending.run("/bff/sessions")}
            disabled={ending.busy}
          >
            End all others
          </button>
        )}
      </p>
    </Panel>
  );
}
