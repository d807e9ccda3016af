import { useCallback, useEffect, useRef, useState } from "react";
import { useAction } from "../action.js";
import { api, getJson } from "../api.js";
import { Panel } from "./Panel.jsx";

export function Tasks() {
  const [tasks, setTasks] = useState(null);
  const [next, setNext] = useState(null);
  const field = useRef(null);

  const read = useCallback(async (address, before) => {
    const page = await getJson(address);
    setTasks([...before, ...page.results]);
    setNext(page.next);
  }, []);
  const reading = useAction(read);
  const { run } = reading;
  useEffect(() => {
    run("/api/tasks/", []);
  }, [run]);

  const adding = useAction(async (title) => {
    const task = await getJson("/api/tasks/", { method: "POST", json: { title } });
    setTasks((all) => [task, ...(all ?? [])]);
  });
  const changing = useAction(async (task) => {
    const changed = await getJson(`/api/tasks/${task.id}/`, {
      method: "PATCH",
      json: { done: !task.done },
    });
    setTasks((all) => all.map((t) => (t.id === task.id ? changed : t)));
  });
  const removing = useAction(async (task) => {
    await api(`/api/tasks/${task.id}/`, { method: "DELETE" });
    setTasks((all) => all.filter((t) => t.id !== task.id));
    field.current?.focus();
  });

  const submit = async (event) => {
    event.preventDefault();
    const title = field.current.value.trim();
    if (!title) return;
    await adding.run(title);
    field.current.value = "";
    field.current.focus();
  };

  return (
    <Panel
      id="tasks"
      title="Tasks"
      lead="Read, written, ticked and deleted over the API."
      error={reading.error ?? adding.error ?? changing.error ?? removing.error}
    >
      <form className="row" onSubmit={submit}>
        <label className="unseen" htmlFor="task-title">
          New task
        </label>
        <input
          id="task-title"
          ref={field}
          placeholder="What is there to do?"
          maxLength={200}
          autoComplete="off"
        />
        <button type="submit" disabled={adding.busy}>
          Add
        </button>
      </form>
      {tasks?.length === 0 && <p className="empty">Nothing to do. Add the first one.</p>}
      <ul className="tasks" aria-label="Tasks">
        {(tasks ?? []).map((task) => (
          <li key={task.id} data-done={task.done}>
            <label>
              <input type="checkbox" checked={task.done} onChange={() => changing.run(task)} />
              <span>{task.title}</span>
            </label>
            <button
              type="button"
              className="plain"
              aria-label={`Delete ${task.title}`}
              onClick={() => removing.run(task)}
            >
              Delete
            </button>
          </li>
        ))}
      </ul>
      {next && (
        <button
          type="button"
          className="plain more"
          disabled={reading.busy}
          onClick={() => run(next, tasks)}
        >
          Show more
        </button>
      )}
    </Panel>
  );
}
