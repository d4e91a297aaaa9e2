import type { Store } from '../store/store.ts';
import type { JwtConfiguration } from '../store/types.ts';
import type { Problems } from './api-error.ts';
import type { Input } from './input.ts';

/** Reads a `jwtConfiguration`; absent members take the given defaults. */
export function readJwtConfiguration(
  store: Store,
  input: Input,
  path: string,
  defaults: JwtConfiguration,
  problems: Problems,
): JwtConfiguration {
  const keyId = (name: 'accessTokenKeyId' | 'idTokenKeyId'): string | undefined => {
    const id = input.text(name) ?? defaults[name];
    if (id !== undefined && !store.keys.has(id)) {
      problems.field('invalid', `${path}.${name}`, `There is no key with the id [${id}].`);
    }
    return id;
  };
  const revocation = input.child('refreshTokenRevocationPolicy');
  return {
    enabled: input.flag('enabled', defaults.enabled),
    accessTokenKeyId: keyId('accessTokenKeyId'),
    idTokenKeyId: keyId('idTokenKeyId'),
    timeToLiveInSeconds: input.count('timeToLiveInSeconds', defaults.timeToLiveInSeconds),
    refreshTokenTimeToLiveInMinutes: input.count(
      'refreshTokenTimeToLiveInMinutes',
      defaults.refreshTokenTimeToLiveInMinutes,
    ),
    refreshTokenUsagePolicy: input.choice(
      'refreshTokenUsagePolicy',
      ['Reusable', 'OneTimeUse'],
      defaults.refreshTokenUsagePolicy,
    ),
    refreshTokenExpirationPolicy: input.choice(
      'refreshTokenExpirationPolicy',
      ['Fixed', 'SlidingWindow', 'SlidingWindowWithMaximumLifetime'],
      defaults.refreshTokenExpirationPolicy,
    ),
    refreshTokenOneTimeUseConfiguration: {
      gracePeriodInSeconds: input
        .child('refreshTokenOneTimeUseConfiguration')
        .count('gracePeriodInSeconds', defaults.refreshTokenOneTimeUseConfiguration.gracePeriodInSeconds, 0),
    },
    refreshTokenSlidingWindowConfiguration: {
      maximumTimeToLiveInMinutes: input
        .child('refreshTokenSlidingWindowConfiguration')
        .count(
          'maximumTimeToLiveInMinutes',
          defaults.refreshTokenSlidingWindowConfiguration.maximumTimeToLiveInMinutes,
        ),
    },
    refreshTokenRevocationPolicy: {
      onOneTimeTokenReuse: revocation.flag(
        'onOneTimeTokenReuse',
        defaults.refreshTokenRevocationPolicy.onOneTimeTokenReuse,
      ),
      onPasswordChanged: revocation.flag(
        'onPasswordChanged',
        defaults.refreshTokenRevocationPolicy.onPasswordChanged,
      ),
    },
  };
}
