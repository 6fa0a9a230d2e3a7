import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';
import type { Tool, ToolOutcome } from '../../../src/tools/tool.js';

const HOST = 'wiki.example.org';
const TITLES = ['{} - an introduction', 'All about {}', 'The {} handbook | Example Wiki'];

export interface LocalWeb {
  readonly tools: readonly Tool[];
  close(): void;
}

/** A search page and an encyclopedia with an article on everything, on the loopback interface. */
export async function startLocalWeb(): Promise<LocalWeb> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const page =
      url.pathname === '/search' ? searchPage(url.searchParams.get('q') ?? '') : article(url.pathname);
    response.setHeader('content-type', 'application/json').end(JSON.stringify(page));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const base = `http://127.0.0.1:${port}`;
  return {
    tools: [
      webTool('web_search', z.object({ query: z.string() }), ({ query }) =>
        load(`${base}/search?q=${encodeURIComponent(query)}`),
      ),
      webTool('fetch_url', z.object({ url: z.string() }), ({ url }) => fetchArticle(base, url)),
    ],
    close: () => server.close(),
  };
}

function searchPage(query: string) {
  if (query.includes('zxqv')) return { results: [] };
  const slug = query.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
  const results = TITLES.map((title, index) => ({
    title: title.replace('{}', query),
    url: `https://${HOST}/${slug}${index === 0 ? '' : `/${index}`}`,
    snippet: `Read more about ${query}: what it is, where it comes from and why it matters.`,
  }));
  return { results };
}

function article(path: string) {
  const subject = path.slice(1).replaceAll(/[-/]+/g, ' ');
  return {
    url: `https://${HOST}${path}`,
    title: `About ${subject}`,
    text: `This page is about ${subject}.\nIt was last changed in spring.`,
  };
}

function fetchArticle(base: string, address: string): Promise<string> {
  const url = URL.parse(address);
  if (url?.hostname !== HOST) throw new Error(`${address} could not be reached`);
  return load(base + url.pathname);
}

async function load(url: string): Promise<string> {
  return (await fetch(url)).text();
}

function webTool<Arguments>(
  name: string,
  parameters: z.ZodType<Arguments>,
  work: (args: Arguments) => Promise<string>,
): Tool<Arguments> {
  const outcome = (status: 'succeeded' | 'failed', content: string): ToolOutcome => ({
    status,
    content,
    data: { tool_type: 'custom', content },
  });
  return {
    name,
    description: `The tool ${name}.`,
    parameters,
    source: 'built_in',
    kind: 'web_search',
    label: name,
    effect: 'pure',
    execution: 'parallel',
    reach: 'network',
    available: () => true,
    execute: async (args) => {
      try {
        return outcome('succeeded', await work(args));
      } catch (error) {
        return outcome('failed', `Error: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}
