// Express as its "Production best practices" have it: NODE_ENV=production, a cluster, no
// X-Powered-By; sessions as the READMEs of express-session and connect-redis show them; the proxy
// with an agent that keeps its connections, which http-proxy-middleware has to be given.

import cluster from 'node:cluster';
import { once } from 'node:events';
import { Agent } from 'node:http';
import { promisify } from 'node:util';

import { RedisStore } from 'connect-redis';
import express from 'express';
import session from 'express-session';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { createClient } from 'redis';

const { PORT, WORKERS, UPSTREAM, BACKEND, REDIS_SOCKET, SESSION_SECRET } = process.env;
const SESSION_MS = 12 * 60 * 60 * 1000;

async function signIn(req, res) {
  const answer = await fetch(`${BACKEND}/api/token/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(req.body),
  });
  if (!answer.ok) {
    res.sendStatus(answer.status);
    return;
  }
  const { access, refresh } = await answer.json();
  await promisify(req.session.regenerate).call(req.session);
  Object.assign(req.session, { access, refresh });
  res.sendStatus(204);
}

function requireSession(req, res, next) {
  if (req.session.access) {
    next();
  } else {
    res.sendStatus(401);
  }
}

function attachToken(proxyReq, req) {
  proxyReq.setHeader('authorization', `Bearer ${req.session.access}`);
  proxyReq.removeHeader('cookie');
}

async function serve() {
  const client = createClient({ socket: { path: REDIS_SOCKET } });
  client.on('error', (error) => console.error(error));
  await client.connect();

  const app = express();
  app.disable('x-powered-by');
  app.use(
    session({
      store: new RedisStore({ client }),
      secret: SESSION_SECRET,
      resave: false,
      saveUninitialized: false,
      cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto', maxAge: SESSION_MS },
    }),
  );
  app.post('/login', express.json(), signIn);
  app.use(
    '/api',
    requireSession,
    createProxyMiddleware({
      target: `${UPSTREAM}/api`,
      changeOrigin: true,
      agent: new Agent({ keepAlive: true }),
      on: { proxyReq: attachToken },
    }),
  );
  await once(app.listen(PORT, '127.0.0.1'), 'listening');
}

if (cluster.isPrimary) {
  for (let i = 0; i < Number(WORKERS); i++) {
    cluster.fork();
  }
  cluster.on('exit', (worker, code) => process.exit(code || 1));
} else {
  await serve();
}
