import {
  RefreshTokenExpirationPolicy,
  RefreshTokenUsagePolicy,
  type JWTConfiguration,
} from '@fusionauth/typescript-client';
import { check, type Check } from '../check.ts';
import type { AllFacts } from '../facts.ts';
import type { TokenSettings } from './token-settings.ts';

/** FusionAuth's defaults, and what we call too little. */
const accessToken = { shortest: 60, usual: 3_600 };
const refreshToken = { shortest: 1_440, usual: 43_200 };
const grace = 30;

/** How long a sign-in lasts, and whether an answer that is lost ends it. */
export function tokenLifetimeChecks<const Holder extends 'tenant' | 'client'>(
  holder: Holder,
  settingsOf: (held: AllFacts[Holder]) => TokenSettings | undefined,
): readonly Check[] {
  return [
    check('access-token-lifetime', 'warning', [holder], (seen) => {
      const settings = settingsOf(seen[holder]);
      const seconds = settings?.configuration.timeToLiveInSeconds ?? accessToken.usual;
      if (settings === undefined || seconds >= accessToken.shortest) return undefined;
      const usual = accessToken.usual;
      return {
        about: settings.about,
        message: `Access tokens live ${String(seconds)} seconds.`,
        consequence: 'Many expire on their way: requests end with a 401, and every call refreshes.',
        remedy: `${settings.where} → JWT duration: ${String(usual)} seconds, FusionAuth's default.`,
        change: {
          says: [`jwtConfiguration.timeToLiveInSeconds: ${String(seconds)} → ${String(usual)}`],
          requests: [settings.request({ timeToLiveInSeconds: usual })],
        },
      };
    }),

    check('refresh-lifetime', 'warning', [holder], (seen) => {
      const settings = settingsOf(seen[holder]);
      const shorts = settings === undefined ? [] : shortLifetimes(settings.configuration);
      const [short] = shorts;
      if (settings === undefined || short === undefined) return undefined;
      const usual = refreshToken.usual;
      return {
        about: settings.about,
        message: `${short.says} ${String(short.minutes)} minutes.`,
        consequence: 'The browser opens and asks for a sign-in again, at least daily.',
        remedy: `${settings.where} → ${short.field}: ${String(usual)} minutes, FusionAuth's default. Where it is short on purpose: --ignore refresh-lifetime.`,
        change: {
          says: shorts.map(
            ({ name, minutes }) => `jwtConfiguration.${name}: ${String(minutes)} → ${String(usual)}`,
          ),
          requests: [settings.request(Object.assign({}, ...shorts.map(({ set }) => set)) as object)],
        },
      };
    }),

    check('refresh-without-grace', 'warning', [holder], (seen) => {
      const settings = settingsOf(seen[holder]);
      const { refreshTokenUsagePolicy: usage, refreshTokenOneTimeUseConfiguration: once } =
        settings?.configuration ?? {};
      if (settings === undefined || usage !== RefreshTokenUsagePolicy.OneTimeUse) return undefined;
      if ((once?.gracePeriodInSeconds ?? 0) > 0) return undefined;
      return {
        about: settings.about,
        message: 'Refresh tokens can be used once, without a grace period.',
        consequence:
          'When the answer to a refresh is lost on its way, the sign-in is lost with it, and the browser opens again.',
        remedy: `${settings.where} → Refresh token settings → grace period: ${String(grace)} seconds.`,
        change: {
          says: [
            `jwtConfiguration.refreshTokenOneTimeUseConfiguration.gracePeriodInSeconds: 0 → ${String(grace)}`,
          ],
          requests: [
            settings.request({ refreshTokenOneTimeUseConfiguration: { gracePeriodInSeconds: grace } }),
          ],
        },
      };
    }),
  ];
}

interface ShortLifetime {
  readonly says: string;
  readonly minutes: number;
  /** Where it stands, on FusionAuth's page and in its API. */
  readonly field: string;
  readonly name: string;
  readonly set: object;
}

/** Which lifetimes of refresh tokens are too short; only one of the three expiration policies has a maximum. */
function shortLifetimes(configuration: JWTConfiguration): readonly ShortLifetime[] {
  const { shortest, usual } = refreshToken;
  const own = configuration.refreshTokenTimeToLiveInMinutes ?? usual;
  const { maximumTimeToLiveInMinutes: most = usual } =
    configuration.refreshTokenSlidingWindowConfiguration ?? {};
  const { SlidingWindowWithMaximumLifetime: bounded } = RefreshTokenExpirationPolicy;
  const all = [
    {
      says: 'Refresh tokens live',
      minutes: own,
      field: 'Refresh token duration',
      name: 'refreshTokenTimeToLiveInMinutes',
      set: { refreshTokenTimeToLiveInMinutes: usual },
    },
    {
      says: 'However often they are used, refresh tokens live',
      minutes: configuration.refreshTokenExpirationPolicy === bounded ? most : usual,
      field: 'Maximum lifetime of refresh tokens',
      name: 'refreshTokenSlidingWindowConfiguration.maximumTimeToLiveInMinutes',
      set: { refreshTokenSlidingWindowConfiguration: { maximumTimeToLiveInMinutes: usual } },
    },
  ];
  return all.filter(({ minutes }) => minutes < shortest);
}
