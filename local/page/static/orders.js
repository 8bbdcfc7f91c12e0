/** Orders to the server, as JSON or, with files, as a form. A refusal is an Error whose message is the server's sentence. */
export async function order(path, body) {
  const sent = body instanceof FormData ? body : JSON.stringify(body);
  let response;
  try {
    response = await fetch(path, { method: "POST", body: sent });
  } catch {
    throw new Error("No connection: is `make run` still running?");
  }
  const answer = await response.json().catch(() => ({ error: `The server answered ${response.status} and no reason.` }));
  if (!response.ok) throw new Error(answer.error ?? answer.description ?? `${response.status}`);
  return answer;
}
