/** Ends the process with a clear sentence when Node is older than this (major, minor, patch). */
export function requireNode(least) {
  const have = process.versions.node.split('.').map(Number);
  const difference = least.map((number, index) => have[index] - number).find((delta) => delta !== 0) ?? 0;
  if (difference >= 0) return;
  console.error(
    `This needs Node ${least.join('.')} or later; this is Node ${process.versions.node}.\n` +
      '  Install a newer one from https://nodejs.org, or with a version manager: nvm install 22',
  );
  process.exit(2);
}
