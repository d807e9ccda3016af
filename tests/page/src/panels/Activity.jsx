import { Panel } from "./Panel.jsx";

export function Activity({ entries }) {
  return (
    <Panel
      id="activity"
      title="What happened"
      lead="What this page noticed. It had to do nothing about any of it."
    >
      <ol className="lines" role="log" aria-label="What happened">
        {entries.map((entry) => (
          <li key={entry.id} data-kind={entry.kind}>
            <time dateTime={entry.at.toISOString()}>{entry.at.toLocaleTimeString()}</time>{" "}
            <span>{entry.text}</span>
          </li>
        ))}
      </ol>
    </Panel>
  );
}
