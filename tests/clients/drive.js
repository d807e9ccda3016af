/*
 * What tests hold on to: on /app/NAME the client of that name is `window.page`, and what became of
 * its calls stands in sessionStorage, where it outlives a client that leaves the page meanwhile.
 */
const [, place, name] = location.pathname.split("/");
const outcomes = () => JSON.parse(sessionStorage.getItem("outcomes") ?? "[]");

function show() {
  const where = place === "app" ? `the client ${name}` : "no client here";
  document.querySelector("#outcome").textContent = [where, ...outcomes()].join("\n");
}

function note(outcome) {
  sessionStorage.setItem("outcomes", JSON.stringify([...outcomes(), outcome]));
  show();
}

/* "200", "nothing" where there was neither answer nor error, or "rejected STATUS PATH". */
async function outcomeOf(call) {
  try {
    return String((await call)?.status ?? "nothing");
  } catch (error) {
    // One of the clients rejects with the answer itself.
    const answer = error.response ?? error;
    const path = answer.config?.url ?? "";
    return `rejected ${answer.status ?? error.code ?? error.message} ${path}`.trim();
  }
}

async function load() {
  const client = await import(`/${name}.js`);
  window.page = {
    signIn: async (user, password) => void (await client.signIn(user, password)),
    signOut: async () => void (await client.signOut()),
    /* Begins `count` calls, all at once or one every so often, and returns. */
    burst(count, everyMs = 0) {
      const call = () => outcomeOf(client.get(client.home)).then(note);
      sessionStorage.removeItem("outcomes");
      for (let i = 0; i < count; i++) everyMs ? setTimeout(call, i * everyMs) : call();
    },
  };
}

if (place === "app") await load();
show();
