// The page that notices link to. The token stands behind the `#`, which no server and no log gets to see; it is
// posted at once, because one tap has to do. A mail scanner that runs scripts may stop a wish of hers, and never grants one.
import { notMe } from './linekeeper.js';

const token = location.hash.slice(1);
// Out of the history, and out of sight of whoever looks over a shoulder.
history.replaceState(null, '', location.pathname);

const say = (title, message) => {
  document.getElementById('title').textContent = title;
  document.getElementById('message').textContent = message;
};

try {
  const { message } = await notMe(location.origin, token);
  say('It is stopped', message);
} catch (problem) {
  say('That did not work', problem.message);
}
