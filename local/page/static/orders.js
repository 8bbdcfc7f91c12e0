/** Orders to the server. A refusal is an Error whose message is the server's sentence. */
export async function order(path, body) {
  const response = await fetch(path, { method: "POST", body: JSON.stringify(body) });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error ?? answer.description ?? `${response.status}`);
  return answer;
}
