// A classic script in the head, so that it runs before the first paint: someone who is signed in never sees the page
// of someone who is not, not even for a moment.
if (sessionStorage.getItem("tollgate.session")) document.documentElement.dataset.session = "";
