import { performance } from 'node:perf_hooks';
import { expect } from 'vitest';
import type { Browser } from './browser.ts';
import type { Desktop } from './desktop.ts';
import type { Host } from './hosts.ts';
import type { HostConfiguration, System } from './system.ts';

/** Who takes part when many hosts need the same server at the same time. */
export interface Scene {
  readonly system: System;
  readonly browser: Browser;
  readonly desktop: Desktop;
}

/** What it took to answer them all. */
export interface Effort {
  /** Code exchanges, one for each tab. */
  readonly signIns: number;
  readonly refreshes: number;
  /** Until the last one was answered. */
  readonly seconds: number;
}

export function startHosts(desktop: Desktop, configuration: HostConfiguration, count: number): Host[] {
  return Array.from({ length: count }, () => desktop.host(configuration));
}

/**
 * Lets all hosts call the tool at the same time, and expects each to be answered.
 *
 * @param tabs how many sign-in pages are answered; a tab more fails the test when the desktop closes
 */
export async function callTogether(
  { system, browser, desktop }: Scene,
  hosts: readonly Host[],
  tabs: number,
): Promise<Effort> {
  const count = (grant: 'authorization_code' | 'refresh_token') => system.traffic.granted(grant).length;
  const [signIns, refreshes, begin] = [
    count('authorization_code'),
    count('refresh_token'),
    performance.now(),
  ];
  const greetings = Promise.all(hosts.map((host) => host.getName()));
  for (let tab = 0; tab < tabs; tab += 1) await desktop.signIn(browser);
  expect(await greetings).toEqual(hosts.map(() => 'Hello, Test User!'));
  return {
    signIns: count('authorization_code') - signIns,
    refreshes: count('refresh_token') - refreshes,
    seconds: (performance.now() - begin) / 1_000,
  };
}

/** Prints measurements below a title: what a reader of the test's output wants to know beyond "passed". */
export function printFigures(title: string, figures: readonly string[]): void {
  process.stdout.write(`\n${title}:\n${figures.map((line) => `  ${line}\n`).join('')}\n`);
}

/** An effort as a line of figures. */
export function figureOf(what: string, { signIns, refreshes, seconds }: Effort): string {
  return `${what}: ${signIns} tab(s), ${refreshes} refresh(es), all answered after ${seconds.toFixed(1)} s`;
}
