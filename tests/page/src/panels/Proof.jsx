import { useEffect, useState } from "react";
import { Panel } from "./Panel.jsx";

const LOOK_EVERY_MS = 1000;

function look() {
  return [
    ["document.cookie", document.cookie],
    ["localStorage", Object.entries(localStorage).join(", ")],
    ["sessionStorage", Object.entries(sessionStorage).join(", ")],
  ];
}

/* What a script in this page, ours or an intruder's, could carry away. */
export function Proof() {
  const [found, setFound] = useState(look);
  useEffect(() => {
    const looking = setInterval(() => setFound(look()), LOOK_EVERY_MS);
    return () => clearInterval(looking);
  }, []);

  return (
    <Panel
      id="proof"
      title="What scripts can see"
      lead="Looked up once a second. An intruding script would find the same."
    >
      <table>
        <tbody>
          {found.map(([place, content]) => (
            <tr key={place} data-empty={content === ""}>
              <th scope="row">
                <code>{place}</code>
              </th>
              <td>{content === "" ? "empty" : <code>{content}</code>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Panel>
  );
}
