// A page that tries again by itself. Without script it does so too.
const { retry, to } = document.body.dataset;
if (retry && location.protocol !== "file:") setTimeout(() => location.replace(to || location.href), Number(retry) * 1000);
