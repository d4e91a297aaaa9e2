// FusionAuth's events beside a protected app: what is revoked there ends here at once.
import { connectFusionAuth, createMemorySharedState, protect, webhooks } from '@mcp-keyhole/server';
import express from 'express';

const port = Number(process.env['PORT'] ?? 8000);
const resource = process.env['RESOURCE'] ?? `http://localhost:${port}/api`;
const issuer = process.env['FUSIONAUTH_ISSUER'] ?? 'http://localhost:9011';

const fusionAuth = connectFusionAuth(issuer);
const sharedState = createMemorySharedState(); // for several nodes: await connectRedisSharedState(url, createLog())

const app = express();
app.use('/webhooks/fusionauth', webhooks({ fusionAuth, sharedState, secret: process.env['WEBHOOK_SECRET'] }));
app.use(protect({ resource, issuer, fusionAuth, sharedState }));
app.get('/api/forecast', (_request, response) => void response.json({ forecast: 'Sunny' }));
export const server = app.listen(port, 'localhost');
