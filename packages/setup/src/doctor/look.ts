import {
  EventType,
  TransactionType,
  type ApplicationResponse,
  type KeyResponse,
  type ReactorResponse,
  type SystemConfigurationResponse,
  type Tenant,
  type TenantResponse,
  type VersionResponse,
  type Webhook,
  type WebhookResponse,
} from '@fusionauth/typescript-client';
import { lookForOriginsClosedAtFusionAuth, lookForOriginsClosedAtServer } from './cross-origin-look.ts';
import type { AllFacts, FactName, Look, Question } from './facts.ts';
import { NotSeen } from './http.ts';
import { Absent, KeyRefused, type ManagementApi } from './management-api.ts';
import {
  lookAtCertificates,
  lookAtDiscovery,
  lookAtJwks,
  lookAtMetadata,
  lookForClosedEndpoints,
} from './public-look.ts';

/** Everything that was seen in one run. */
export interface FullLook extends Look {
  /** The same with what is told of each client. */
  readonly clients: readonly Look[];
}

type Facts = { -readonly [Name in FactName]?: AllFacts[Name] };
type Reasons = Partial<Record<FactName, string>>;

/**
 * Looks at FusionAuth and the MCP server, changing nothing. What cannot be seen is left out with its reason.
 *
 * @param api undefined without an API key
 */
export async function look(question: Question, api: ManagementApi | undefined): Promise<FullLook> {
  const facts: Facts = {};
  const unseen: Reasons = {};
  /** What the API key may not do, by the reason that this gives. */
  const refusals = new Map<string, string>();

  async function see<Name extends FactName>(name: Name, find: () => Promise<AllFacts[Name]>): Promise<void> {
    try {
      facts[name] = await find();
    } catch (error) {
      if (!(error instanceof NotSeen)) throw error;
      if (error instanceof KeyRefused) refusals.set(error.message, error.request);
      unseen[name] = error.message;
    }
  }
  const managed = new Set<FactName>();
  /** By the management API. */
  async function manage<Name extends FactName>(
    name: Name,
    find: (api: ManagementApi) => Promise<AllFacts[Name]>,
  ): Promise<void> {
    managed.add(name);
    await see(name, () => {
      if (api === undefined) throw new NotSeen('it needs an API key');
      return find(api);
    });
  }

  const clients = await Promise.all(question.clientIds.map((id) => lookAtClient(id, api)));
  await see('certificates', () => lookAtCertificates(question));
  await see('discovery', async () => {
    const { discovery, skew } = await lookAtDiscovery(question);
    if (skew !== undefined) facts.clock = skew;
    return discovery;
  });
  await Promise.all([
    see('jwks', () => lookAtJwks(facts.discovery, question)),
    see('closedEndpoints', () => lookForClosedEndpoints(facts.discovery, question)),
    manage('version', async (from) => versionOf((await from.read('/api/system/version')) as VersionResponse)),
    manage('license', async (from) => ((await from.read('/api/reactor')) as ReactorResponse).status ?? {}),
    manage('tenant', (from) => lookAtTenant(from, question.tenantId ?? clients[0]?.facts.client?.tenantId)),
    manage('keys', async (from) => ((await from.read('/api/key')) as KeyResponse).keys ?? []),
    ...(question.mcpServerUrl === undefined ? [] : [see('metadata', () => lookAtMetadata(question))]),
    ...(question.browserOrigins.length === 0
      ? []
      : [
          see('originsClosedAtFusionAuth', () => lookForOriginsClosedAtFusionAuth(facts.discovery, question)),
          manage('cors', async (from) => {
            const answer = (await from.read('/api/system-configuration')) as SystemConfigurationResponse;
            return answer.systemConfiguration?.corsConfiguration ?? {};
          }),
        ]),
  ]);
  const { metadata } = facts;
  if (metadata !== undefined && question.browserOrigins.length > 0)
    await see('originsClosedAtServer', () => lookForOriginsClosedAtServer(metadata, question));
  const { tenant } = facts;
  if (tenant !== undefined) await manage('decidingWebhooks', (from) => lookForDecidingWebhooks(from, tenant));
  else if (unseen.tenant !== undefined) unseen.decidingWebhooks = unseen.tenant;
  for (const { refusal } of clients)
    if (refusal !== undefined) refusals.set(refusal.message, refusal.request);
  if (api !== undefined && unseen.version !== undefined && !refusals.has(unseen.version))
    facts.apiSilence = unseen.version;
  if (refusals.size > 0) facts.refusals = [...refusals.values()];
  if (unseen.discovery !== undefined) facts.silence = unseen.discovery;
  if (unseen.jwks !== undefined) facts.jwksFailure = unseen.jwks;
  if (unseen.metadata !== undefined) facts.metadataFailure = unseen.metadata;
  if (facts.clock === undefined) unseen.clock = unseen.discovery ?? 'its answers have no Date';
  // Where nothing answers, or nothing is told, why each question failed is of no use.
  const common = (reasons: Reasons): Reasons => ({
    ...reasons,
    ...named(reasons, namesOf(reasons, refusals), 'the API key may not see it'),
    ...(facts.apiSilence === undefined
      ? {}
      : named(reasons, [...managed, 'client'], "FusionAuth's API does not answer")),
    ...(facts.silence === undefined ? {} : named(reasons, publicFacts, 'FusionAuth does not answer')),
  });
  return {
    facts,
    unseen: common(unseen),
    clients: clients.map((one) => ({
      facts: { ...facts, ...one.facts },
      unseen: common({ ...unseen, ...one.unseen }),
    })),
  };
}

/** What is asked for at FusionAuth's public URL. */
const publicFacts: readonly FactName[] = [
  'discovery',
  'jwks',
  'closedEndpoints',
  'clock',
  'originsClosedAtFusionAuth',
];

/** What was not seen for one of these reasons. */
function namesOf(reasons: Reasons, some: ReadonlyMap<string, unknown>): readonly FactName[] {
  return (Object.keys(reasons) as FactName[]).filter((name) => some.has(reasons[name] ?? ''));
}

/** One reason for those of the names that have one. */
function named(reasons: Reasons, names: readonly FactName[], reason: string): Reasons {
  return Object.fromEntries(names.flatMap((name) => (reasons[name] === undefined ? [] : [[name, reason]])));
}

async function lookAtTenant(api: ManagementApi, id: string | undefined): Promise<AllFacts['tenant']> {
  if (id !== undefined) {
    const { tenant } = (await api.read(`/api/tenant/${id}`)) as TenantResponse;
    if (tenant !== undefined) return tenant;
    throw new NotSeen(`there is no tenant ${id}`);
  }
  const { tenants = [] } = (await api.read('/api/tenant')) as TenantResponse;
  const [only, ...others] = tenants;
  if (only === undefined || others.length > 0) {
    throw new NotSeen(`there are ${String(tenants.length)} tenants: say which with --tenant-id`);
  }
  return only;
}

/** The webhooks that are asked before a login counts: only those of a transaction are (FusionAuth's tenant settings). */
async function lookForDecidingWebhooks(
  api: ManagementApi,
  tenant: Tenant,
): Promise<AllFacts['decidingWebhooks']> {
  const login = EventType.UserLoginSuccess;
  const setting = tenant.eventConfiguration?.events?.[login];
  const transaction = setting?.transactionType ?? TransactionType.None;
  if (setting?.enabled !== true || transaction === TransactionType.None) return [];
  const { webhooks = [] } = (await api.read('/api/webhook')) as WebhookResponse;
  const isAsked = ({ eventsEnabled, global, tenantIds = [] }: Webhook): boolean =>
    eventsEnabled?.[login] === true && (global === true || tenantIds.includes(tenant.id ?? ''));
  return webhooks.filter(isAsked).map(({ url = '' }) => url);
}

async function lookAtClient(
  id: string,
  api: ManagementApi | undefined,
): Promise<Look & { refusal?: KeyRefused | undefined }> {
  try {
    if (api === undefined) throw new NotSeen('it needs an API key');
    const { application } = (await api.read(`/api/application/${id}`)) as ApplicationResponse;
    return application === undefined
      ? { facts: { absentClient: id }, unseen: {} }
      : { facts: { client: application }, unseen: {} };
  } catch (error) {
    if (error instanceof Absent) return { facts: { absentClient: id }, unseen: {} };
    if (!(error instanceof NotSeen)) throw error;
    const refusal = error instanceof KeyRefused ? error : undefined;
    return { facts: {}, unseen: { client: error.message }, refusal };
  }
}

function versionOf({ version }: VersionResponse): string {
  if (version === undefined || version === '') throw new NotSeen('FusionAuth does not tell its version');
  return version;
}
