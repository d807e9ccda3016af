// Fastify with its own plugins at their documented defaults: @fastify/http-proxy keeps its
// connections in undici's pool, @fastify/session takes the store of connect-redis. An instance for
// each processor that it is given, as Fastify's "Recommendations" have it for throughput.

import cluster from 'node:cluster';

import cookie from '@fastify/cookie';
import proxy from '@fastify/http-proxy';
import session from '@fastify/session';
import { RedisStore } from 'connect-redis';
import Fastify from 'fastify';
import { createClient } from 'redis';

const { PORT, WORKERS, UPSTREAM, BACKEND, REDIS_SOCKET, SESSION_SECRET } = process.env;
const SESSION_MS = 12 * 60 * 60 * 1000;

async function signIn(request, reply) {
  const answer = await fetch(`${BACKEND}/api/token/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request.body),
  });
  if (!answer.ok) {
    return reply.code(answer.status).send();
  }
  const { access, refresh } = await answer.json();
  await request.session.regenerate();
  request.session.set('access', access);
  request.session.set('refresh', refresh);
  return reply.code(204).send();
}

function requireSession(request, reply, next) {
  if (request.session.get('access')) {
    next();
  } else {
    reply.code(401).send();
  }
}

function attachToken(request, { cookie: _, ...headers }) {
  return { ...headers, authorization: `Bearer ${request.session.get('access')}` };
}

async function serve() {
  const client = createClient({ socket: { path: REDIS_SOCKET } });
  client.on('error', (error) => console.error(error));
  await client.connect();

  const app = Fastify();
  await app.register(cookie);
  await app.register(session, {
    store: new RedisStore({ client }),
    secret: SESSION_SECRET,
    saveUninitialized: false,
    cookie: { httpOnly: true, sameSite: 'lax', secure: 'auto', maxAge: SESSION_MS },
  });
  app.post('/login', signIn);
  await app.register(proxy, {
    upstream: UPSTREAM,
    prefix: '/api',
    rewritePrefix: '/api',
    preHandler: requireSession,
    replyOptions: { rewriteRequestHeaders: attachToken },
  });
  await app.listen({ port: Number(PORT), host: '127.0.0.1' });
}

if (cluster.isPrimary) {
  for (let i = 0; i < Number(WORKERS); i++) {
    cluster.fork();
  }
  cluster.on('exit', (worker, code) => process.exit(code || 1));
} else {
  await serve();
}
