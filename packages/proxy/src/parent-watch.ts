/** Milliseconds between looks: an orphan lives no longer than this. */
const usualInterval = 2_000;

/** How a process is looked at; the process itself unless a test says otherwise. */
export interface Family {
  readonly ppid: () => number;
  readonly isRunning: (pid: number) => boolean;
}

const ownFamily: Family = { ppid: () => process.ppid, isRunning };

/**
 * Calls `onGone` once when the process that started this one has gone without ending our stdin, which a crashed host does
 * when another of its children holds the pipe too. Keeps no process alive.
 *
 * @returns ends the watch
 */
export function watchParent(
  onGone: () => void,
  { interval = usualInterval, family = ownFamily }: { interval?: number; family?: Family } = {},
): () => void {
  const parent = family.ppid();
  // Whoever was started by the first process of a system or a container has no parent that could go before it.
  if (parent <= 1) return () => undefined;
  const timer = setInterval(() => {
    // POSIX gives an orphan to another process; Windows leaves it the old number.
    if (family.ppid() === parent && family.isRunning(parent)) return;
    clearInterval(timer);
    onGone();
  }, interval);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there, as another user's.
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
