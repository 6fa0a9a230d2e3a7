const SHARD = /^(?<stem>.*)-(?<number>\d{5})-of-(?<count>\d{5})\.gguf$/s;
/** No real model comes in more; a file's name alone must not make us look for a hundred thousand others. */
const MOST_SHARDS = 999;

export interface Shard {
  /** The path up to the shard's number. */
  readonly stem: string;
  readonly number: number;
  readonly count: number;
}

/** The place of a file in a model of several files, by its name; undefined for a model of one. */
export function shardOf(path: string): Shard | undefined {
  const groups = SHARD.exec(path)?.groups;
  if (groups === undefined) return undefined;
  const shard = {
    stem: groups['stem'] ?? '',
    number: Number(groups['number']),
    count: Number(groups['count']),
  };
  const isPossible = shard.number >= 1 && shard.number <= shard.count && shard.count <= MOST_SHARDS;
  return isPossible ? shard : undefined;
}

/** Every file of the model that `path` belongs to, the first one first. Naming any shard means all. */
export function allShards(path: string): readonly string[] {
  const shard = shardOf(path);
  if (shard === undefined) return [path];
  const { stem, count } = shard;
  return Array.from({ length: count }, (_, index) => `${stem}-${five(index + 1)}-of-${five(count)}.gguf`);
}

/** The file that a loader is given. */
export function firstShard(path: string): string {
  return allShards(path)[0] ?? path;
}

/** The path without its ending and its shard's number. */
export function modelStem(path: string): string {
  return shardOf(path)?.stem ?? path.replace(/\.gguf$/i, '');
}

function five(number: number): string {
  return String(number).padStart(5, '0');
}
