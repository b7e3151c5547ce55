/* Copies or downloads the secret that this page shows; nothing leaves the browser. */
const secret = document.getElementById("secret");
const download = document.getElementById("download");
const copy = document.getElementById("copy");

download.hidden = false;
download.addEventListener("click", () => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([secret.value], { type: "application/x-pem-file" }));
  link.download = download.dataset.file;
  link.click();
  URL.revokeObjectURL(link.href);
});

if (navigator.clipboard) {
  copy.hidden = false;
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(secret.value);
    copy.textContent = "Copied";
  });
}
