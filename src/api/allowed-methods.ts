/** The part of Express's router that tells which routes a path has. */
interface RouterLayer {
  readonly route?: { readonly methods: Readonly<Record<string, boolean>> } | undefined;
  match(path: string): boolean;
}

/** The methods that `path` can be asked with, upper case; empty when there is no such route. */
export function allowedMethods(express: unknown, path: string): string[] {
  const found = new Set<string>();
  for (const layer of layersOf(express)) {
    if (layer.route !== undefined && !isMiddleware(layer.route.methods) && matches(layer, path)) {
      for (const method of Object.keys(layer.route.methods)) found.add(method.toUpperCase());
    }
  }
  return [...found].sort();
}

/** Nest mounts middlewares as routes that take every method there is. */
function isMiddleware(methods: Readonly<Record<string, boolean>>): boolean {
  return methods['trace'] === true || methods['_all'] === true;
}

function layersOf(express: unknown): readonly RouterLayer[] {
  const router = memberOf(express, 'router');
  const stack = memberOf(router, 'stack');
  return Array.isArray(stack) ? stack.filter(isLayer) : [];
}

/** Express's application and router are functions with members. */
function memberOf(value: unknown, name: string): unknown {
  const hasMembers = (typeof value === 'object' && value !== null) || typeof value === 'function';
  return hasMembers ? Reflect.get(value, name) : undefined;
}

function isLayer(value: unknown): value is RouterLayer {
  return typeof memberOf(value, 'match') === 'function';
}

/** A path with broken percent-encoding makes the router throw. */
function matches(layer: RouterLayer, path: string): boolean {
  try {
    return layer.match(path);
  } catch {
    return false;
  }
}
