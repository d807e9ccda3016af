import { useState } from "react";
import { useAction } from "../action.js";
import { api, getJson } from "../api.js";
import { Panel } from "./Panel.jsx";

const CALLS = 20;
const TALLEST_PX = 72;

/* Twenty calls in one go: what used to start twenty refreshes, or one and a queue. */
export function Burst() {
  const [results, setResults] = useState([]);
  const [refreshed, setRefreshed] = useState(0);

  const { run, busy, error } = useAction(async () => {
    const before = await getJson("/bff/session");
    setResults(Array(CALLS).fill(null));
    const started = performance.now();
    const one = async (_, i) => {
      const status = await api("/api/whoami/").then(
        (r) => r.status,
        (e) => e.status ?? 0,
      );
      const ms = performance.now() - started;
      setResults((all) => all.map((r, at) => (at === i ? { status, ms } : r)));
    };
    await Promise.all(Array.from({ length: CALLS }, one));
    const after = await getJson("/bff/session");
    setRefreshed(after.refreshes - before.refreshes);
  });

  const slowest = Math.max(1, ...results.map((r) => r?.ms ?? 0));
  const good = results.filter((r) => r?.status === 200).length;
  const complete = results.length === CALLS && results.every(Boolean);

  return (
    <Panel
      id="burst"
      title="20 calls at once"
      lead="When the token has run out, all twenty wait for one and the same refresh."
      error={error}
    >
      <button type="button" onClick={run} disabled={busy}>
        Send 20 calls
      </button>
      <ol className="bars" aria-hidden="true">
        {(results.length ? results : Array(CALLS).fill(null)).map((r, i) => (
          <li key={i} data-status={r ? (r.status === 200 ? "good" : "bad") : "none"}>
            <span
              ref={(bar) =>
                bar && (bar.style.height = `${r ? 4 + (r.ms / slowest) * (TALLEST_PX - 4) : 4}px`)
              }
            />
          </li>
        ))}
      </ol>
      <p className="outcome" role="status" data-complete={complete && !busy}>
        {complete && !busy
          ? `${good} of ${CALLS} answered 200, the slowest after ${Math.round(slowest)} ms. ${refreshCount(refreshed)}`
          : busy
            ? "Waiting for the answers…"
            : "Each bar will be one call, as tall as it took."}
      </p>
    </Panel>
  );
}

function refreshCount(n) {
  return n === 0
    ? "No refresh was due."
    : n === 1
      ? "One refresh on the way."
      : `${n} refreshes on the way.`;
}
