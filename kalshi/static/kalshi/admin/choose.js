/* One box that chooses all entries. */
const all = document.getElementById("all");
if (all) {
  all.hidden = false;
  all.addEventListener("change", () => {
    for (const box of document.querySelectorAll('#entries input[name="key"]')) box.checked = all.checked;
  });
}
