import { expect } from 'vitest';
import type { FileMetadata } from '../../src/files/file-object.js';
import type { TestApp } from './http-api-app.js';

export type Fields = Readonly<Record<string, string>>;

interface ErrorBody {
  readonly error: { readonly code: string; readonly param: string | null; readonly message: string };
}

/** What alice, or whoever has `key`, does with files over HTTP. */
export class FilesClient {
  constructor(private readonly app: TestApp) {}

  request(path: string, init: RequestInit = {}, key = this.app.keys.alice): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set('authorization', `Bearer ${key}`);
    return fetch(this.app.url + path, { ...init, headers });
  }

  send(content: Uint8Array | string, name: string, fields: Fields = {}, key = this.app.keys.alice) {
    const body = formOf(fields);
    body.append('file', new Blob([Buffer.from(content)]), name);
    return this.request('/v1/files', { method: 'POST', body }, key);
  }

  async upload(content: Uint8Array | string, name: string, fields: Fields = {}): Promise<FileMetadata> {
    const response = await this.send(content, name, fields);
    expect(response.status).toBe(200);
    return (await response.json()) as FileMetadata;
  }
}

export function formOf(fields: Fields): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  return form;
}

export async function errorOf(
  response: Response,
): Promise<{ status: number; code: string; param: string | null }> {
  const { error } = (await response.json()) as ErrorBody;
  expect(error.message).not.toBe('');
  return { status: response.status, code: error.code, param: error.param };
}
