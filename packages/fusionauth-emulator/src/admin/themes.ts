import { Router, type Request } from 'express';
import { mergePatch, objectOf, textOf, type JsonObject } from '../json.ts';
import type { Store } from '../store/store.ts';
import { defaultThemeId } from '../store/defaults.ts';
import type { Theme } from '../store/types.ts';
import { fieldProblem, notFound, Problems } from './api-error.ts';
import { bodyMember, Input } from './input.ts';
import { newId } from './lookup.ts';

/** `/api/theme`. Themes are kept and given back; the pages stay as they are. */
export function themeRoutes(store: Store): Router {
  const router = Router();
  const save = (theme: Theme): JsonObject => {
    store.themes.set(theme.id, theme);
    return { theme: present(theme) };
  };

  router.get('/', (_request, response) => {
    response.json({ themes: [...store.themes.values()].map(present) });
  });
  router.post(['/', '/:id'], (request: Request<{ id?: string }>, response) => {
    const id = newId(request.params.id, 'themeId', 'A Theme', (taken) => store.themes.has(taken));
    const body = bodyMember(request.body, 'theme');
    const source = sourceOf(store, textOf(objectOf(request.body)['sourceThemeId']));
    response.json(save(readTheme(store, id, { ...source, ...body }, undefined)));
  });
  router.get('/:id', (request, response) => {
    response.json({ theme: present(existing(store, request.params.id)) });
  });
  router.put('/:id', (request, response) => {
    const before = changeable(store, request.params.id);
    response.json(save(readTheme(store, before.id, bodyMember(request.body, 'theme'), before)));
  });
  router.patch('/:id', (request, response) => {
    const before = changeable(store, request.params.id);
    const merged = objectOf(mergePatch(present(before), bodyMember(request.body, 'theme')));
    response.json(save(readTheme(store, before.id, merged, before)));
  });
  router.delete('/:id', (request, response) => {
    store.themes.delete(changeable(store, request.params.id).id);
    response.status(200).end();
  });
  return router;
}

function existing(store: Store, id: string): Theme {
  const theme = store.themes.get(id);
  if (theme === undefined) throw notFound();
  return theme;
}

/** FusionAuth's own theme is only to be copied. */
function changeable(store: Store, id: string): Theme {
  const theme = existing(store, id);
  if (theme.id !== defaultThemeId) return theme;
  throw fieldProblem('notAllowed', 'themeId', 'The FusionAuth theme cannot be changed or deleted.');
}

/** What a new theme takes from the one that it is made from. */
function sourceOf(store: Store, id: string | undefined): JsonObject {
  if (id === undefined) return {};
  const source = store.themes.get(id);
  if (source !== undefined) return source.extra;
  throw fieldProblem('invalid', 'sourceThemeId', `There is no theme with the id [${id}].`);
}

function readTheme(store: Store, id: string, body: JsonObject, before: Theme | undefined): Theme {
  const problems = new Problems();
  const input = new Input(body, 'theme', problems);
  const name = input.text('name');
  if (name === undefined) {
    problems.field('blank', 'theme.name', 'You must specify the [theme.name] property.');
  } else if ([...store.themes.values()].some((theme) => theme.id !== id && theme.name === name)) {
    problems.field('duplicate', 'theme.name', `A Theme with the [theme.name] of [${name}] already exists.`);
  }
  problems.throwIfAny();
  const now = Date.now();
  return {
    id,
    name: name ?? '',
    extra: input.rest(['id', 'name', 'insertInstant', 'lastUpdateInstant']),
    insertInstant: before?.insertInstant ?? now,
    lastUpdateInstant: now,
  };
}

function present({ extra, ...theme }: Theme): JsonObject {
  return { ...extra, ...theme };
}
