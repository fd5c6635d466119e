// A provider of npm's oidc-provider over HTTPS, for machines alone: client credentials, access tokens as JWT for the
// resource that is asked for. Its keys are told on standard input, a JSON object a line: {publish: [names], sign: name}.
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import https from 'node:https';
import readline from 'node:readline';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(process.argv[2]);
const find = createRequire(`${settings.modules}/`);
const { Provider } = await import(pathToFileURL(find.resolve('oidc-provider')));

// Kept in a folder, so that a provider that is started again has the keys of the one before.
function key(name) {
  const file = `${settings.folder}/${name}.jwk.json`;
  if (!existsSync(file)) {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(file, JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: name, alg: 'ES256', use: 'sig' }));
  }
  return JSON.parse(readFileSync(file));
}

function provider({ publish, sign }) {
  return new Provider(settings.issuer, {
    clients: settings.clients.map(({ id, secret, scope }) => ({
      client_id: id, client_secret: secret, scope,
      grant_types: ['client_credentials'], response_types: [], redirect_uris: [],
    })),
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: publish.map(key) },
    scopes: settings.scopes,
    extraTokenClaims: (ctx, token) => ({ roles: settings.clients.find(({ id }) => id === token.clientId).roles }),
    ttl: { ClientCredentials: () => settings.seconds },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: settings.scopes.join(' '), audience: settings.audience, accessTokenFormat: 'jwt',
          accessTokenTTL: settings.seconds, jwt: { sign: { alg: 'ES256', kid: sign } },
        }),
      },
    },
  }).callback();
}

let answer = provider(settings.keys);
const server = https.createServer(
  { cert: readFileSync(settings.certificate), key: readFileSync(settings.key) }, (request, response) => answer(request, response));
server.listen(settings.port, '127.0.0.1', () => console.log('ready'));
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  answer = provider(JSON.parse(line));
  console.log('ready');
}).on('close', () => process.exit(0));
