#!/usr/bin/env node
import module from 'node:module';

const { enableCompileCache } = module;
if (enableCompileCache)
  (await import('../dist/compile-cache.js')).keepCompiled(process.env, enableCompileCache);
await import('../dist/main.js');
