/**
 * Runs inside the isolate: these functions are sent there as source text, so they may use nothing but each
 * other and the language. They never call getters; what a proxy does with them hurts only its own guest.
 */
interface FormatState {
  left: number;
  readonly seen: object[];
}

export function formatValue(value: unknown, limit: number): string {
  const text = formatNode(value, 0, { left: limit, seen: [] });
  return text.length > limit ? text.slice(0, limit) + '…' : text;
}

export function formatNode(value: unknown, depth: number, state: FormatState): string {
  if (state.left <= 0) return '…';
  let text: string;
  if (typeof value === 'string') {
    const part = value.length > state.left ? value.slice(0, state.left) + '…' : value;
    text = depth === 0 ? part : JSON.stringify(part);
  } else if (typeof value === 'bigint') text = String(value) + 'n';
  else if (typeof value === 'function') text = '[Function ' + (value.name || 'anonymous') + ']';
  else if (typeof value === 'object' && value !== null) return formatObject(value, depth, state);
  else text = Object.is(value, -0) ? '-0' : String(value);
  state.left -= text.length;
  return text;
}

export function formatObject(value: object, depth: number, state: FormatState): string {
  if (state.seen.includes(value)) return '[Circular]';
  if (value instanceof Error) return value.stack || value.name + ': ' + value.message;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (value instanceof RegExp) return String(value);
  const prototype = Object.getPrototypeOf(value);
  const name: string =
    prototype === null ? '[null prototype]' : String(prototype.constructor?.name || 'Object');
  if (depth > 4) return '[' + name + ']';
  state.seen.push(value);
  const text = formatMembers(value, name, depth, state);
  state.seen.pop();
  return text;
}

export function formatMembers(value: object, name: string, depth: number, state: FormatState): string {
  const parts: string[] = [];
  const prefix = name === 'Object' || name === 'Array' ? '' : name + ' ';
  let total = 0;
  const take = (make: () => string): void => {
    total += 1;
    if (total <= 100 && state.left > 0) parts.push(make());
  };
  const list = Array.isArray(value) || (ArrayBuffer.isView(value) && !(value instanceof DataView));
  if (list) {
    const items = value as readonly unknown[];
    for (let index = 0; index < items.length && index < 100; index += 1) {
      take(() => formatNode(items[index], depth + 1, state));
    }
    total = items.length;
  } else if (value instanceof Map) {
    for (const [key, item] of value) {
      take(() => formatNode(key, depth + 1, state) + ' => ' + formatNode(item, depth + 1, state));
    }
  } else if (value instanceof Set) {
    for (const item of value) take(() => formatNode(item, depth + 1, state));
  } else {
    for (const key of Object.keys(value)) take(() => formatProperty(value, key, depth, state));
  }
  if (total > parts.length) parts.push('… ' + (total - parts.length) + ' more');
  state.left -= 4 + 2 * parts.length;
  const [open, close] = list ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return prefix + open + close;
  const line = parts.join(', ');
  if (line.length <= 100 && !line.includes('\n')) return prefix + open + ' ' + line + ' ' + close;
  const indent = '  '.repeat(depth + 1);
  return prefix + open + '\n' + indent + parts.join(',\n' + indent) + '\n' + '  '.repeat(depth) + close;
}

export function formatProperty(value: object, key: string, depth: number, state: FormatState): string {
  const property = Object.getOwnPropertyDescriptor(value, key);
  const shown = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(key) ? key : JSON.stringify(key);
  state.left -= shown.length + 2;
  if (property && (property.get || property.set)) return shown + ': [Getter]';
  return shown + ': ' + formatNode(property?.value, depth + 1, state);
}

export const formatSource = [formatValue, formatNode, formatObject, formatMembers, formatProperty]
  .map(String)
  .join('\n');
