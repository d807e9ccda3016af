import { useEffect, useRef, useState } from "react";
import { useActivity } from "./activity.js";
import { Path } from "./Path.jsx";
import { useSession } from "./session.js";
import { SessionClock } from "./SessionClock.jsx";
import { SignIn } from "./SignIn.jsx";
import { sentence, useAction } from "./action.js";
import { Activity } from "./panels/Activity.jsx";
import { Burst } from "./panels/Burst.jsx";
import { Proof } from "./panels/Proof.jsx";
import { Sessions } from "./panels/Sessions.jsx";
import { Stream } from "./panels/Stream.jsx";
import { Tasks } from "./panels/Tasks.jsx";
import { Upload } from "./panels/Upload.jsx";
import { WhoAmI } from "./panels/WhoAmI.jsx";

export function App() {
  const session = useSession();
  const activity = useActivity(session);

  return (
    <>
      <Notice waiting={activity.waiting} />
      {session.state === "unknown" && <main className="quiet" aria-busy="true" />}
      {session.state === "anonymous" && (
        <SignIn reason={session.reason} onSignIn={session.signIn} />
      )}
      {session.state === "signed-in" && (
        <Desk key={JSON.stringify(session.session.user)} session={session} activity={activity} />
      )}
    </>
  );
}

function Notice({ waiting }) {
  return (
    <div className="notice" role="status" data-shown={waiting !== null}>
      {waiting !== null && (
        <p>The server asked for a moment. Trying again in {waiting} s; nothing is lost.</p>
      )}
    </div>
  );
}

function Desk({ session: { session, check, signOut }, activity }) {
  const heading = useRef(null);
  const [name, setName] = useState("");
  const leaving = useAction(signOut);
  useEffect(() => heading.current.focus(), []);

  return (
    <>
      <header className="bar">
        <p className="brand">
          bffd <span>a page without tokens</span>
        </p>
        <button type="button" id="sign-out" onClick={leaving.run} disabled={leaving.busy}>
          Sign out
        </button>
      </header>
      <main>
        <section className="opening" aria-labelledby="opening-heading">
          <div>
            <h1 id="opening-heading" ref={heading} tabIndex={-1}>
              {name ? `Signed in as ${name}` : "Signed in"}
            </h1>
            <p className="lead">
              All this browser holds is a cookie that scripts cannot read. The tokens stay behind
              the server, and so does the work of renewing them.
            </p>
            {leaving.error && (
              <p className="error" role="alert">
                {sentence(leaving.error)}
              </p>
            )}
            <SessionClock session={session} onEnd={check} />
          </div>
          <Path refreshes={session.refreshes} />
        </section>
        <div className="panels">
          <div className="stack">
            <Tasks />
            <Proof />
            <WhoAmI onName={setName} />
            <Activity entries={activity.entries} />
          </div>
          <div className="stack">
            <Burst />
            <Stream />
            <Upload />
            <Sessions />
          </div>
        </div>
      </main>
      <footer>
        <p>
          Made with <code>fetch</code> and nothing else: see <code>src/api.js</code>.
        </p>
      </footer>
    </>
  );
}
