import { useCallback, useState } from "react";

/* Runs one thing at a time on behalf of a button or form, and remembers how it went. */
export function useAction(action) {
  const [state, setState] = useState({ busy: false, error: null });
  const run = useCallback(
    async (...args) => {
      setState({ busy: true, error: null });
      try {
        const result = await action(...args);
        setState({ busy: false, error: null });
        return result;
      } catch (error) {
        setState({ busy: false, error: error.name === "AbortError" ? null : error });
      }
    },
    [action],
  );
  return { ...state, run };
}

/* What to tell a person. fetch() itself fails with a TypeError when there is no answer at all. */
export function sentence(error) {
  return error instanceof TypeError ? "The server cannot be reached just now." : error.message;
}
