import { useEffect, useRef } from "react";
import { sentence, useAction } from "./action.js";

export function SignIn({ reason, onSignIn }) {
  const first = useRef(null);
  const password = useRef(null);
  const { run, busy, error } = useAction(onSignIn);
  useEffect(() => first.current.focus(), []);
  useEffect(() => {
    if (error) password.current.select();
  }, [error]);

  const submit = (event) => {
    event.preventDefault();
    run(Object.fromEntries(new FormData(event.currentTarget)));
  };

  return (
    <main className="door">
      <p className="brand">
        bffd <span>a page without tokens</span>
      </p>
      <form onSubmit={submit} aria-labelledby="door-heading">
        <h1 id="door-heading">Sign in</h1>
        <p className="reason" id="reason" role="status">
          {reason}
        </p>
        <label htmlFor="username">User name</label>
        <input
          id="username"
          name="username"
          autoComplete="username"
          autoCapitalize="none"
          required
          ref={first}
        />
        <label htmlFor="password">Password</label>
        <input
          id="password"
          name="password"
          type="password"
          autoComplete="current-password"
          aria-invalid={error?.status === 401}
          aria-describedby={error ? "door-error" : undefined}
          required
          ref={password}
        />
        <div role="alert">{error && <Refusal error={error} />}</div>
        <button type="submit" className="primary" disabled={busy}>
          {busy ? "Signing in…" : "Sign in"}
        </button>
      </form>
      <p className="hint">
        In the demo: <kbd>alice</kbd> with <kbd>wonderland</kbd>, or <kbd>bob</kbd> with{" "}
        <kbd>builder</kbd>.
      </p>
    </main>
  );
}

/* Django's own words: a `detail`, or a list of complaints for each field. */
function Refusal({ error }) {
  const complaints =
    error.body?.detail || !error.body || error.body.title ? [] : Object.entries(error.body);
  const spoken = complaints.filter(([, texts]) => Array.isArray(texts));
  return (
    <div className="error" id="door-error">
      {spoken.length === 0 ? (
        <p>{sentence(error)}</p>
      ) : (
        spoken.map(([field, texts]) => (
          <p key={field}>
            {field}: {texts.join(" ")}
          </p>
        ))
      )}
    </div>
  );
}
