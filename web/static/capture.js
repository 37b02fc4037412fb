// The capture page: choose a photo, send it, watch it become a headshot. The server draws every state
// of the page; when the state changes, this script fetches the page again and puts its <main> in place.
'use strict';

const token = location.pathname.split('/').pop();
const maxBytes = 50 * 1024 * 1024;
const pollEvery = 2000; // ms
const quietFor = 5000; // ms without news before polling begins

const submit = `mutation SubmitPhoto($input: SubmitPhotoInput!) { submitPhoto(input: $input) { submission { id } } }`;
const follow = `subscription Follow($id: ID!) {
  submissionUpdated(id: $id) { id state processingState progress progressStep }
}`;
const look = `query Look { captureSession { submissions { id state processingState progress progressStep } } }`;

const $ = (id) => document.getElementById(id);
let stop = () => {}; // ends what the present state of the page has going on

// refresh asks the server for the page as it is now.
async function refresh() {
  stop();
  try {
    const answer = await fetch(location.href, { headers: { Accept: 'text/html' }, cache: 'no-store' });
    const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const main = next.querySelector('main');
    if (!main) throw new Error(`no page: ${answer.status}`);
    document.title = next.title;
    $('main').replaceWith(document.adoptNode(main));
    scrollTo(0, 0);
    main.querySelector('h1')?.focus({ preventScroll: true });
    begin();
  } catch {
    setTimeout(refresh, pollEvery); // offline: the page is complete as it is, so wait
  }
}

function begin() {
  stop = () => {};
  paint();
  if ($('form')) form();
  if ($('main').dataset.view === 'progress') watch($('main').dataset.submission);
}

// paint shows the studio's colour. It is set by script because the page allows no inline style.
function paint() {
  const header = document.querySelector('header[data-color]');
  if (header) header.style.setProperty('--brand', header.dataset.color);
}

// --- choosing and sending ---

function form() {
  let photo = null;
  let shown = '';
  const fault = $('fault');
  const say = (words, field) => {
    fault.textContent = words;
    fault.hidden = !words;
    if (words && field) field.focus();
  };

  const choose = (input) => {
    if (!input.files.length) return; // the picker was closed
    photo = input.files[0];
    say('');
    $('chosen').textContent = `${photo.name || 'Your photo'}, ${(photo.size / 1024 / 1024).toFixed(1)} MB`;
    if (shown) URL.revokeObjectURL(shown);
    shown = URL.createObjectURL(photo);
    $('preview').src = shown;
    $('preview').hidden = false;
    if (photo.size > maxBytes) say('This photo is over 50 MB. Please choose a smaller one.');
  };
  $('preview').addEventListener('error', () => {
    $('preview').hidden = true;
    $('chosen').textContent += ' – this browser cannot show it; you can still send it.';
  });
  for (const id of ['camera', 'file']) $(id).addEventListener('change', (event) => choose(event.target));

  $('form').addEventListener('submit', async (event) => {
    event.preventDefault();
    const consent = $('consent');
    if (!photo) return say('Take or choose a photo first.', $('camera'));
    if (photo.size > maxBytes) return say('This photo is over 50 MB. Please choose a smaller one.', $('file'));
    if (consent && !consent.checked) return say('Please tick the box if you agree. Without your consent the photo is not sent.', consent);
    say('');
    busy(true);
    const answer = await send(photo, Boolean(consent?.checked));
    if (answer.done) return refresh();
    busy(false);
    say(answer.words, $('send'));
  });
}

function busy(yes) {
  $('sending').hidden = !yes;
  $('send').hidden = yes;
  for (const field of $('form').querySelectorAll('input, button')) field.disabled = yes;
}

// send hands the photo in by a multipart request (graphql-multipart-request-spec). XMLHttpRequest,
// because fetch does not tell how much of the body is on its way.
function send(photo, consent) {
  const body = new FormData();
  body.append('operations', JSON.stringify({ query: submit, variables: { input: { photo: null, consent } } }));
  body.append('map', JSON.stringify({ 0: ['variables.input.photo'] }));
  body.append('0', photo, photo.name || 'photo');
  return new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.open('POST', '/graphql');
    request.setRequestHeader('Authorization', `Bearer ${token}`);
    request.setRequestHeader('GraphQL-Require-Preflight', '1');
    request.setRequestHeader('Accept', 'application/graphql-response+json, application/json');
    request.upload.addEventListener('progress', (event) => {
      if (!event.lengthComputable) return;
      $('upload').value = event.loaded / event.total;
      if (event.loaded === event.total) $('sent').textContent = 'Your photo is being checked';
    });
    const lost = () => resolve({ words: 'The photo could not be sent. Check your connection, then try again.' });
    request.addEventListener('error', lost);
    request.addEventListener('abort', lost);
    request.addEventListener('load', () => resolve(read(request)));
    stop = () => request.abort();
    request.send(body);
  });
}

// read turns the answer into {done} or {words}.
function read(request) {
  let answer = {};
  try {
    answer = JSON.parse(request.responseText);
  } catch { /* a proxy's error page */ }
  if (answer.data?.submitPhoto) return { done: true };
  const first = answer.errors?.[0];
  const code = first?.extensions?.code;
  // The link was closed, or a photo was sent from elsewhere: the page has another state now.
  if (closed(request.status, answer)) return { done: true };
  if (code === 'FAILED_PRECONDITION' && first.extensions.detail !== 'consent_required') return { done: true };
  if (request.status === 413 || code === 'PAYLOAD_TOO_LARGE') return { words: 'This photo is too large. Please choose a smaller one.' };
  if (first && code !== 'INTERNAL') return { words: sentence(first.message) };
  return { words: 'Something went wrong on our side. Please try again.' };
}

// closed says whether an answer means that the link no longer works.
const closed = (status, answer) => status === 401 || answer?.errors?.[0]?.extensions?.code === 'UNAUTHENTICATED';

const sentence = (words) => words.charAt(0).toUpperCase() + words.slice(1) + (/[.!?]$/.test(words) ? '' : '.');

// --- watching ---

// watch follows a submission by server-sent events, and by polling while they are silent.
function watch(id) {
  const ended = new AbortController();
  let poll = 0;
  let quiet = 0;
  stop = () => {
    ended.abort();
    clearInterval(poll);
    clearTimeout(quiet);
    stop = () => {};
  };
  const news = (submission) => {
    if (ended.signal.aborted || submission.id !== id) return;
    show(submission);
    const over = submission.processingState === 'COMPLETE' || submission.processingState === 'FAILED';
    if (over || submission.state === 'RETAKE_REQUESTED' || submission.state === 'REJECTED') refresh();
  };
  const startPolling = () => {
    if (poll || ended.signal.aborted) return;
    poll = setInterval(async () => {
      const answer = await ask(look, {}, ended.signal).catch(() => null);
      if (closed(answer?.status, answer?.body)) return refresh();
      const all = answer?.body?.data?.captureSession?.submissions;
      if (!all || ended.signal.aborted) return;
      if (all[0] && all[0].id !== id) return refresh();
      for (const submission of all) news(submission);
    }, pollEvery);
  };
  const expectNews = () => {
    clearTimeout(quiet);
    quiet = setTimeout(startPolling, quietFor);
  };
  expectNews();
  listen(id, ended.signal, (submission) => {
    clearInterval(poll);
    poll = 0;
    expectNews();
    news(submission);
  }).catch(() => {}).finally(startPolling);
}

async function ask(query, variables, signal) {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'application/graphql-response+json, application/json', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  return { status: answer.status, body: await answer.json() };
}

// listen reads a GraphQL subscription in the distinct connections mode of GraphQL over SSE. It
// returns when the server ends the stream.
async function listen(id, signal, news) {
  const answer = await fetch('/graphql', {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', Accept: 'text/event-stream', Authorization: `Bearer ${token}` },
    body: JSON.stringify({ query: follow, variables: { id } }),
    signal,
  });
  if (!answer.ok || !answer.headers.get('Content-Type')?.startsWith('text/event-stream')) throw new Error(`no stream: ${answer.status}`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (text + value).replaceAll('\r\n', '\n').split('\n\n');
    text = parts.pop();
    for (const part of parts) {
      const lines = part.split('\n');
      const event = lines.find((line) => line.startsWith('event:'))?.slice(6).trim();
      const data = lines.filter((line) => line.startsWith('data:')).map((line) => line.slice(5).trim()).join('\n');
      if (event === 'complete') return;
      if (event !== 'next' || !data) continue;
      const submission = JSON.parse(data).data?.submissionUpdated;
      if (submission) news(submission);
    }
  }
}

// show moves the bar and marks the steps. Words change with a step only, so that a screen reader
// tells each step once.
function show(submission) {
  const bar = $('bar');
  if (!bar) return;
  bar.value = Math.max(bar.value, submission.progress);
  const steps = [...$('steps').children];
  const at = steps.findIndex((step) => step.dataset.of.split(' ').includes(submission.progressStep));
  if (at < 0) return;
  steps.forEach((step, i) => {
    step.classList.toggle('past', i < at);
    if (i === at) step.setAttribute('aria-current', 'step');
    else step.removeAttribute('aria-current');
  });
  const words = steps[at].textContent;
  if ($('step').textContent !== words) $('step').textContent = words;
}

begin();
