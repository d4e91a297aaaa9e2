import {
  FusionAuthClient,
  type Application,
  type ApplicationOAuthScopeRequest,
  type ApplicationRequest,
} from '@fusionauth/typescript-client';
import { errors, SetupError } from './errors.ts';
import { translate, type Answer } from './fusionauth-failure.ts';

/** How long FusionAuth may take for one call, in milliseconds. Its own client knows no deadline. */
const callDeadline = 10_000;

/** The calls of FusionAuth's management API that a registration needs, each with a deadline. All throw SetupError. */
export interface FusionAuth {
  /** That something at the URL answers as FusionAuth does. */
  checkRunning(): Promise<void>;
  /** That the API key may read applications. */
  checkApiKey(): Promise<void>;
  /** @throws SetupError `name-taken`, `unlicensed`, and what every call throws */
  createApplication(id: string, request: ApplicationRequest): Promise<void>;
  /** @throws SetupError `unlicensed`, and what every call throws */
  createScope(applicationId: string, id: string, request: ApplicationOAuthScopeRequest): Promise<void>;
  /** The id of the user with that address; undefined when there is none. */
  findUser(email: string): Promise<string | undefined>;
  /** Registers the user to the application. */
  register(userId: string, applicationId: string): Promise<void>;
  /** All active applications. */
  applications(): Promise<readonly Application[]>;
  /** One application; undefined when it does not exist. */
  application(id: string): Promise<Application | undefined>;
  /** Removes the application for good; one that does not exist counts as removed. */
  removeApplication(id: string): Promise<void>;
}

/** Connects to FusionAuth at a base URL without a slash at its end. */
export function connectFusionAuth(connection: {
  url: string;
  apiKey: string;
  tenantId?: string | undefined;
  /** Milliseconds for each call; 10,000 by default. */
  deadline?: number;
}): FusionAuth {
  const { url, deadline = callDeadline } = connection;
  const client = new FusionAuthClient(connection.apiKey, url, connection.tenantId);

  /** One call, with its deadline and its failure in our words. */
  async function call<Body>(doing: string, request: Promise<Answer<Body>>): Promise<Answer<Body>> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(errors.timeout(url, doing, deadline)), deadline);
    });
    try {
      return await Promise.race([
        request.catch((answer: unknown) => {
          throw translate(url, doing, answer as Answer<never>);
        }),
        timeout,
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** {@link call} for an answer that must have a body: the client drops one that is not JSON, such as a web page. */
  async function read<Body extends object>(doing: string, request: Promise<Answer<Body>>): Promise<Body> {
    const { response } = await call(doing, request);
    if (typeof response !== 'object') throw errors.notFusionAuth(url, 'its answer is not JSON');
    return response;
  }

  async function findApplication(name: string): Promise<string | undefined> {
    const found = await read('looking for the application', client.searchApplications({ search: { name } }));
    return found.applications?.find((one) => one.name?.toLowerCase() === name.toLowerCase())?.id;
  }

  return {
    async checkRunning() {
      try {
        await read('checking its status', client.retrieveSystemStatus());
      } catch (error) {
        // FusionAuth tells everybody its status.
        const refused =
          error instanceof SetupError && ['api-key-refused', 'fusionauth-rejected'].includes(error.code);
        throw refused ? errors.notFusionAuth(url, 'it refuses to tell its status', error) : error;
      }
    },

    async checkApiKey() {
      await read('checking the API key', client.searchApplications({ search: { numberOfResults: 1 } }));
    },

    async createApplication(id, request) {
      try {
        await read('creating the application', client.createApplication(id, request));
      } catch (error) {
        if (!(error instanceof SetupError) || error.code !== 'name-taken') throw error;
        const name = request.application?.name ?? '';
        // The client id is a help, not the point: without it the name is still taken.
        throw errors.nameTaken({ name, clientId: await findApplication(name).catch(() => undefined) });
      }
    },

    async createScope(applicationId, id, request) {
      await read('creating the scope', client.createOAuthScope(applicationId, id, request));
    },

    async findUser(email) {
      const found = await read(
        'looking for the test user',
        absentAs({ response: {} }, client.retrieveUserByEmail(email)),
      );
      return found.user?.id;
    },

    async register(userId, applicationId) {
      await read('registering the test user', client.register(userId, { registration: { applicationId } }));
    },

    async applications() {
      const found = await read('listing the applications', client.retrieveApplications());
      return found.applications ?? [];
    },

    async application(id) {
      const found = await read(
        'reading the application',
        absentAs({ response: {} }, client.retrieveApplication(id)),
      );
      return found.application;
    },

    async removeApplication(id) {
      await call('removing the application', absentAs({}, client.deleteApplication(id)));
    },
  };
}

/** The request, with a 404 turned into that answer. */
function absentAs<Body>(absent: Answer<Body>, request: Promise<Answer<Body>>): Promise<Answer<Body>> {
  return request.catch((answer: unknown) => {
    if ((answer as Answer<never>).statusCode === 404) return absent;
    throw answer;
  });
}
