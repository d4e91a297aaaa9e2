import {
  FusionAuthClient,
  type Application,
  type ApplicationOAuthScopeRequest,
  type ApplicationRequest,
} from '@fusionauth/typescript-client';
import { errors, SetupError } from './errors.ts';
import { translate, type Answer } from './fusionauth-failure.ts';
import { mergePatch } from './merge-patch.ts';

/** How long FusionAuth may take for one call, in milliseconds. Its own client knows no deadline. */
const callDeadline = 10_000;
/** How many applications one page of a search has. */
const pageSize = 250;

/** The calls of FusionAuth's management API that clients need, each with a deadline. All throw SetupError. */
export interface FusionAuth {
  /** That something at the URL answers as FusionAuth does. */
  checkRunning(): Promise<void>;
  /** That the API key may read applications. */
  checkApiKey(): Promise<void>;
  /** All applications, inactive ones too, each with its scopes if FusionAuth tells them in a list. */
  listApplications(): Promise<readonly Application[]>;
  /** The application of that name, with its scopes; names are compared without regard to case. */
  findApplication(name: string): Promise<Application | undefined>;
  /** The application with that id, with its scopes; undefined when there is none. */
  readApplication(id: string): Promise<Application | undefined>;
  /** @throws SetupError `name-taken`, `unlicensed`, and what every call throws */
  createApplication(id: string, request: ApplicationRequest): Promise<void>;
  /** A JSON merge patch (RFC 7396): a list in it replaces the whole list. @throws SetupError as createApplication */
  patchApplication(id: string, patch: Application): Promise<void>;
  reactivateApplication(id: string): Promise<void>;
  /** @throws SetupError `unlicensed`, and what every call throws */
  createScope(applicationId: string, id: string, request: ApplicationOAuthScopeRequest): Promise<void>;
  changeScope(applicationId: string, id: string, request: ApplicationOAuthScopeRequest): Promise<void>;
  /** A scope that does not exist counts as removed. */
  removeScope(applicationId: string, id: string): Promise<void>;
  /** The user with that address, and the applications that it is registered to; undefined when there is none. */
  findUser(email: string): Promise<{ id: string; applicationIds: readonly string[] } | undefined>;
  /** Registers the user to the application. */
  register(userId: string, applicationId: string): Promise<void>;
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

  async function findApplication(name: string): Promise<Application | undefined> {
    const doing = 'looking for the application';
    const found = await read(doing, client.searchApplications({ search: { name } }));
    const isMeant = (one: Application): boolean => one.name?.toLowerCase() === name.toLowerCase();
    return found.applications?.find(isMeant);
  }

  async function readApplication(id: string): Promise<Application | undefined> {
    const absent = absentAs({ response: {} }, client.retrieveApplication(id));
    return (await read('reading the application', absent)).application;
  }

  /** An application of a search: its scopes may be left out there. */
  function whole(application: Application): Promise<Application | undefined> {
    return application.scopes === undefined && application.id !== undefined
      ? readApplication(application.id)
      : Promise.resolve(application);
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

    async listApplications() {
      // By id: an application that is created or removed meanwhile moves the others from page to page.
      const all = new Map<string | undefined, Application>();
      for (let startRow = 0; ; startRow += pageSize) {
        const search = { startRow, numberOfResults: pageSize };
        const page = await read('listing the applications', client.searchApplications({ search }));
        // What is left out unless it is asked for may come as an empty list.
        const isBare = page.expandable?.includes('scopes') === true;
        for (const { scopes, ...one } of page.applications ?? []) {
          all.set(one.id, isBare || scopes === undefined ? one : { ...one, scopes });
        }
        if ((page.applications ?? []).length < pageSize) return [...all.values()];
      }
    },

    async findApplication(name) {
      const found = await findApplication(name);
      return found === undefined ? undefined : whole(found);
    },

    readApplication,

    async createApplication(id, request) {
      try {
        await read('creating the application', client.createApplication(id, request));
      } catch (error) {
        if (!(error instanceof SetupError) || error.code !== 'name-taken') throw error;
        const name = request.application?.name ?? '';
        // The client id is a help, not the point: without it the name is still taken.
        throw errors.nameTaken({
          name,
          clientId: (await findApplication(name).catch(() => undefined))?.id,
        });
      }
    },

    async createScope(applicationId, id, request) {
      await read('creating the scope', client.createOAuthScope(applicationId, id, request));
    },

    async patchApplication(id, application) {
      const path = `/api/application/${encodeURIComponent(id)}`;
      const patch = mergePatch({ ...connection, deadline }, path, { application });
      await read('changing the application', patch);
    },

    async reactivateApplication(id) {
      await call('reactivating the application', client.reactivateApplication(id));
    },

    async changeScope(applicationId, id, request) {
      await read('changing the scope', client.updateOAuthScope(applicationId, id, request));
    },

    async removeScope(applicationId, id) {
      await call('removing the scope', absentAs({}, client.deleteOAuthScope(applicationId, id)));
    },

    async findUser(email) {
      const found = await read(
        'looking for the test user',
        absentAs({ response: {} }, client.retrieveUserByEmail(email)),
      );
      const { id, registrations = [] } = found.user ?? {};
      const applicationIds = registrations.flatMap(({ applicationId }) => applicationId ?? []);
      return id === undefined ? undefined : { id, applicationIds };
    },

    async register(userId, applicationId) {
      await read('registering the test user', client.register(userId, { registration: { applicationId } }));
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
