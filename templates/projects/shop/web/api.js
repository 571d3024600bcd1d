// A client of the shop's API. Every call carries the id of the request that caused it.

export class ApiError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

export function apiClient(base, { fetch = globalThis.fetch, timeout = 5000 } = {}) {
  async function call(method, path, requestId, body) {
    const headers = { accept: 'application/json', 'x-request-id': requestId };
    if (body !== undefined) headers['content-type'] = 'application/json';
    let response;
    try {
      response = await fetch(new URL(path, base), {
        method,
        headers,
        body: JSON.stringify(body),
        signal: AbortSignal.timeout(timeout),
      });
    } catch (error) {
      throw new ApiError(`the API cannot be reached: ${error.cause?.code ?? error.message}`, 502);
    }
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) {
      throw new ApiError(answer.error ?? `the API answered ${response.status}`, response.status);
    }
    return answer;
  }

  return {
    products: (requestId) => call('GET', '/products', requestId),
    orders: (requestId) => call('GET', '/orders', requestId),
    order: (requestId, order) => call('POST', '/orders', requestId, order),
  };
}
