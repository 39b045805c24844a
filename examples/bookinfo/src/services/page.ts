import type { Details, Product, Review, Reviews, Unavailable } from './product.js';

export function renderPage({ details, reviews }: Product, user: string | undefined): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The Comedy of Errors</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
  header { display: flex; justify-content: space-between; color: #666; }
  dl { display: grid; grid-template-columns: max-content 1fr; gap: 0 1.5rem; }
  dd { margin: 0; }
  blockquote { margin: 1rem 0; padding-left: 1rem; border-left: 3px solid #ddd; }
  .red { color: #c22; } .black { color: #000; } .problem { color: #a40; } small { color: #666; }
</style>
</head>
<body>
<header><span>BookInfo</span><span>${renderUser(user)}</span></header>
<h1>The Comedy of Errors</h1>
${isUnavailable(details) ? renderProblem('The details', details) : renderDetails(details)}
<h2>Reviews</h2>
${isUnavailable(reviews) ? renderProblem('The reviews', reviews) : renderReviews(reviews)}
<h2>Who called whom</h2>
${renderCallers({ details, reviews })}
</body>
</html>
`;
}

function renderUser(user: string | undefined): string {
  if (user === undefined) return '<a href="?user=jason">Sign in as jason</a>';
  return `${escapeHtml(user)} · <a href="?">Sign out</a>`;
}

function renderDetails({ id, calledBy, ...printed }: Details): string {
  const rows = Object.entries(printed).map(
    ([name, value]) => `<dt>${escapeHtml(name)}</dt><dd>${escapeHtml(value)}</dd>`,
  );
  return `<dl>${rows.join('')}</dl>`;
}

function renderReviews({ podname, reviews }: Reviews): string {
  return `${reviews.map(renderReview).join('\n')}\n<small>Answered by ${escapeHtml(podname)}. Reload a few times.</small>`;
}

function renderReview({ reviewer, text, rating }: Review): string {
  return `<blockquote>${escapeHtml(text)}<br><small>${escapeHtml(reviewer)}</small> ${renderRating(rating)}</blockquote>`;
}

function renderRating(rating: Review['rating']): string {
  if (rating === undefined) return '';
  if (isUnavailable(rating)) return `<span class="problem">${escapeHtml(rating.error)}</span>`;
  const { stars, color } = rating;
  return `<span class="${escapeHtml(color)}" title="${stars} of 5">${'★'.repeat(stars)}${'☆'.repeat(5 - stars)}</span>`;
}

/** What each service has read in the certificate of its caller. */
function renderCallers({ details, reviews }: Product): string {
  const callers = {
    ...(!isUnavailable(details) && { details: details.calledBy }),
    ...(!isUnavailable(reviews) && { reviews: reviews.calledBy, ratings: reviews.ratingsCalledBy }),
  };
  const rows = Object.entries(callers).map(([called, caller]) =>
    caller === undefined ? '' : `<dt>${called}</dt><dd>by ${escapeHtml(caller)}</dd>`,
  );
  return `<dl>${rows.join('')}</dl>`;
}

function renderProblem(part: string, { error }: Unavailable): string {
  return `<p class="problem">${part} are not available now.<br><small>${escapeHtml(error)}</small></p>`;
}

function isUnavailable(part: object): part is Unavailable {
  return 'error' in part;
}

function escapeHtml(value: string | number): string {
  return String(value).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}
