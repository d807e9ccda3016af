import { useEffect, useRef, useState } from "react";
import { happenings } from "./api.js";

const KEPT = 12;
const GRACE_S = 10; // a renewed attempt may itself take this long to be answered

/* What happened lately, in words; and how long the server has asked us to wait, if it has. */
export function useActivity({ state, session }) {
  const [entries, setEntries] = useState([]);
  const [waiting, setWaiting] = useState(null);
  const before = useRef({ state: "unknown", refreshes: 0 });

  const refreshes = session?.refreshes ?? 0;
  useEffect(() => {
    const was = before.current;
    before.current = { state, refreshes };
    const note = (text, kind) =>
      setEntries((all) =>
        [{ id: (all[0]?.id ?? 0) + 1, at: new Date(), text, kind }, ...all].slice(0, KEPT),
      );
    if (state === "signed-in" && was.state === "anonymous") note("You signed in.");
    if (state === "signed-in" && was.state === "unknown")
      note("The cookie was enough: you were signed in already.");
    if (state === "signed-in" && was.state === "signed-in" && refreshes > was.refreshes) {
      const times = refreshes - was.refreshes;
      note(
        times === 1 ? "bffd renewed the tokens." : `bffd renewed the tokens ${times} times.`,
        "refresh",
      );
    }
  }, [state, refreshes]);

  useEffect(() => {
    let over;
    const onWaiting = ({ detail }) => {
      clearTimeout(over);
      setWaiting(detail.seconds);
      over = setTimeout(() => setWaiting(null), (detail.seconds + GRACE_S) * 1000);
    };
    const onAnswered = ({ detail }) => detail.status !== 503 && setWaiting(null);
    happenings.addEventListener("waiting", onWaiting);
    happenings.addEventListener("answered", onAnswered);
    return () => {
      clearTimeout(over);
      happenings.removeEventListener("waiting", onWaiting);
      happenings.removeEventListener("answered", onAnswered);
    };
  }, []);

  return { entries, waiting };
}
