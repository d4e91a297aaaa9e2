// Any express app: the paths below the resource's are protected, some need scopes of their own.
import { protect, requireScopes, type AuthInfo } from '@mcp-keyhole/server';
import express, { type Request, type RequestHandler } from 'express';

const port = Number(process.env['PORT'] ?? 8000);
const resource = process.env['RESOURCE'] ?? `http://localhost:${port}/api`;
const issuer = process.env['FUSIONAUTH_ISSUER'] ?? 'http://localhost:9011';

const setAlarm: RequestHandler = (_request, response) => void response.sendStatus(204);

const app = express();
app.use(protect({ resource, issuer, requiredScopes: ['weather'] }));
app.get('/api/forecast', (request: Request & { auth?: AuthInfo }, response) => {
  response.json({ forecast: `Sunny for ${request.auth?.clientId ?? 'nobody'}` });
});
app.post('/api/alarms', requireScopes('weather', 'alarms'), setAlarm);
app.get('/', (_request, response) => void response.send('A page for everyone'));
export const server = app.listen(port, 'localhost');
