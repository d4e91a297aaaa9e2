import { setFlagsFromString } from 'node:v8';

/**
 * How V8 is told to optimize a function sooner, by its major version: 11 counts executed bytes of code (default 67,584), 12 counts
 * calls (default 3,000). From 13 on Maglev is at hand, which sets in early by itself.
 */
const flags: Readonly<Record<string, string>> = {
  11: '--interrupt-budget=4000',
  12: '--invocation-count-for-turbofan=300',
};

/**
 * Has V8 optimize early. It waits for code to have run some thousand times, which that of a proxy, with some hundred calls in
 * the life of its host, would never have: all of them would be interpreted. Only a threshold is changed, which V8 reads each
 * time that it decides.
 *
 * @param version of V8, such as `11.3.244.8-node.30`; one that is not known is left alone
 */
export function optimizeEarly(version = process.versions.v8, setFlag = setFlagsFromString): void {
  const [major = ''] = version.split('.');
  const flag = flags[major];
  if (flag !== undefined) setFlag(flag);
}
