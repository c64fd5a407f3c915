/** Where the list is. */
export const HOME = "/admin/index.html";

/** Where somebody's page is. @param {string} user */
export function addressOf(user) {
  return `${HOME}?${new URLSearchParams({ user })}`;
}

/** Where a line of the policy is explained. @param {string} line */
export function lineAddress(line) {
  return `/admin/lines.html#${encodeURIComponent(line)}`;
}
