import { sentence } from "../action.js";

export function Panel({ id, title, lead, error, children }) {
  return (
    <section className="panel" id={id} aria-labelledby={`${id}-heading`}>
      <h2 id={`${id}-heading`}>{title}</h2>
      {lead && <p className="lead">{lead}</p>}
      {children}
      <div role="alert">{error && <p className="error">{sentence(error)}</p>}</div>
    </section>
  );
}
