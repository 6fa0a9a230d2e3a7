/** Where the proxy listens inside every sandbox that has one. */
export const PROXY_PORT = 3128;

/** Out of the working directory: packages are not the session's files, and go with the sandbox. */
const PACKAGES = '/tmp/.packages';

/** What programs in a sandbox are told: where the proxy is, and how pip installs without rights or certificates. */
export function egressEnvironment(packageIndex: string | undefined): Readonly<Record<string, string>> {
  const proxy = `http://127.0.0.1:${PROXY_PORT}`;
  return {
    HTTP_PROXY: proxy,
    HTTPS_PROXY: proxy,
    http_proxy: proxy,
    https_proxy: proxy,
    NO_PROXY: 'localhost,127.0.0.1,::1',
    no_proxy: 'localhost,127.0.0.1,::1',
    PYTHONUSERBASE: PACKAGES,
    PIP_USER: '1',
    PIP_BREAK_SYSTEM_PACKAGES: '1',
    PIP_NO_CACHE_DIR: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
    ...(packageIndex === undefined ? {} : indexEnvironment(new URL(packageIndex))),
  };
}

/** An index without TLS is one that whoever runs the server chose to trust. */
function indexEnvironment(index: URL): Readonly<Record<string, string>> {
  return {
    PIP_INDEX_URL: index.href,
    ...(index.protocol === 'http:' ? { PIP_TRUSTED_HOST: index.host } : {}),
  };
}
