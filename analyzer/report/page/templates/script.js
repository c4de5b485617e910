"use strict";
// The page is whole without this: here the table of devices is sorted and filtered, and what a device's line
// refers to is shown beside it. Text is only ever read from the page and put back as text.
(() => {
  const byId = (id) => document.getElementById(id);
  const table = byId("fleet");
  if (!table) return;
  const bodies = [...table.tBodies];
  const cells = (body) => body.rows[0].cells;
  const first = (node) => (node.firstChild ? node.firstChild.textContent : "");
  const rows = bodies.map((body, index) => {
    const [, device, vendor, login, account, server, sessions, seen] = cells(body);
    device.scope = "row";
    const mark = body.querySelector("summary i");
    const plan = body.querySelector("summary b");
    const owner = device.querySelector("i");
    const provider = server.querySelector("p");
    return {
      body, index, status: body.className, change: mark ? mark.textContent : "", vendor: vendor.textContent,
      plan: plan ? plan.textContent.trim() : "", owner: owner ? owner.textContent : "",
      provider: provider ? provider.textContent : "", text: null,
      keys: [index, addressKey(first(device)), vendor.textContent, first(login), first(account), first(server),
        Number(sessions.textContent.replaceAll(",", "")), seen.textContent],
    };
  });

  // What is a button only where there is something behind it.
  function asButton(text, act) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = text.className;
    button.textContent = text.textContent;
    text.replaceWith(button);
    button.addEventListener("click", act);
  }

  // Addresses in order of their numbers: each part padded, so that text order is the order of numbers.
  function addressKey(address) {
    return address.includes(":")
      ? "~" + address.split(":").map((part) => part.padStart(4, "0")).join(":")
      : address.split(".").map((part) => part.padStart(3, "0")).join(".");
  }

  // --- Filters
  const form = byId("filter");
  const inputs = ["text", "status", "change", "plan", "owner", "provider", "vendor"].map(byId).filter(Boolean);
  const selects = inputs.filter((input) => !["text", "status"].includes(input.id));
  const shown = byId("shown");
  for (const select of selects) {
    if (select.id !== "change") fill(select, rows.map((row) => row[select.id]));
  }

  function fill(select, values) {
    const inOrder = new Intl.Collator("en", { numeric: true }).compare;
    for (const value of [...new Set(values)].filter(Boolean).sort(inOrder)) {
      select.add(new Option(value, value));
    }
  }

  function filter() {
    const wanted = Object.fromEntries(inputs.map((input) => [input.id, input.value]));
    const words = wanted.text.toLowerCase().split(/\s+/).filter(Boolean);
    const statuses = wanted.status ? wanted.status.split(" ") : null;
    let count = 0;
    for (const row of rows) {
      const fits = (!statuses || statuses.includes(row.status))
        && selects.every(({ id }) => !wanted[id] || row[id] === wanted[id])
        && (!words.length || words.every((word) => textOf(row).includes(word)));
      row.body.hidden = !fits;
      count += fits;
    }
    // What is not laid out, screen readers may not find; of fewer rows all are.
    table.classList.toggle("many", count > Number(table.dataset.many));
    shown.textContent = count === rows.length
      ? `${rows.length.toLocaleString("en")} devices`
      : `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} devices`;
  }

  function reset() {
    for (const input of inputs) input.value = "";
    sort(0, true);
    filter();
  }

  function textOf(row) {
    row.text ??= row.body.textContent.toLowerCase();
    return row.text;
  }

  let waiting = 0;
  form.addEventListener("input", () => {
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(filter);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", (event) => {
    event.preventDefault();
    reset();
  });
  form.hidden = false;

  // --- Order
  const heads = [...table.tHead.rows[0].cells];
  const order = byId("order");
  heads.forEach((head, column) => {
    const title = head.textContent;
    const button = document.createElement("button"); // beside the title: what is in it is not printed on every page
    button.type = "button";
    button.ariaLabel = `Sort by ${title}`;
    head.append(button);
    head.addEventListener("click", () => {
      const ascending = head.getAttribute("aria-sort") === "ascending";
      sort(column, head.hasAttribute("aria-sort") ? !ascending : !descendsFirst(column));
    });
    order.add(new Option(title, String(column)));
  });
  order.addEventListener("input", (event) => {
    event.stopPropagation();
    sort(Number(order.value), !descendsFirst(Number(order.value)));
  });

  // Most sessions and the latest day are what is looked for.
  function descendsFirst(column) {
    return column > 5;
  }

  function sort(column, ascending) {
    const sign = ascending ? 1 : -1;
    const compare = (a, b) => {
      const [one, other] = [a.keys[column], b.keys[column]];
      if (one === "" || other === "") return (one === "") - (other === "") || a.index - b.index; // nothing is last
      const result = typeof one === "number" ? one - other : collator.compare(one, other);
      return sign * result || a.index - b.index;
    };
    table.append(...rows.sort(compare).map((row) => row.body));
    heads.forEach((head, index) => {
      if (index === column) head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      else head.removeAttribute("aria-sort");
    });
    order.value = String(column);
  }
  const collator = new Intl.Collator("en", { sensitivity: "base" });

  // --- What a line refers to is shown in it when it is opened first; not on paper, where that would be said thousandfold
  const opened = new Set(); // for a print; some browsers announce one twice
  table.addEventListener("toggle", (event) => {
    if (event.target.open && !opened.has(event.target)) explain(event.target);
  }, true);

  function explain(details) {
    if (details.dataset.explained) return;
    details.dataset.explained = "yes";
    const list = details.querySelector("dl");
    const title = details.querySelector("summary b");
    const plan = title && byId(`p${parseInt(title.textContent, 10)}`);
    if (plan) {
      const term = document.createElement("dt");
      const todo = document.createElement("dd");
      term.textContent = "What to do";
      todo.append(...plan.querySelector("div").cloneNode(true).children);
      todo.querySelector("details").open = true;
      term.className = todo.className = "copy";
      list.append(term, todo);
    }
    for (const id of details.querySelector("summary").lastChild?.textContent.trim().split(" · ") ?? []) {
      const term = byId(`f-${id}`);
      if (!term) continue;
      const copy = term.cloneNode(true);
      copy.removeAttribute("id");
      copy.querySelector("span").remove();
      const meaning = term.nextElementSibling.cloneNode(true);
      copy.className = meaning.className = "copy";
      list.append(copy, meaning);
    }
  }

  // --- Addresses elsewhere on the page lead to their device
  const byAddress = new Map(rows.map((row) => [first(cells(row.body)[1]), row]));
  for (const name of document.querySelectorAll(".find")) {
    const row = byAddress.get(name.textContent);
    if (!row) continue; // it has gone silent
    asButton(name, () => {
      if (row.body.hidden) reset();
      const details = row.body.querySelector("details");
      if (details) details.open = true;
      row.body.scrollIntoView({ block: "center" });
      details?.querySelector("summary").focus({ preventScroll: true });
    });
  }

  // --- "And N more" leads to the table, filtered
  for (const rest of document.querySelectorAll(".rest")) {
    const plan = rest.closest("article");
    const select = plan ? byId("plan") : byId("change");
    const value = plan
      ? rows.find((row) => `p${parseInt(row.plan, 10)}` === plan.id)?.plan
      : rest.closest("[data-change]")?.dataset.change;
    if (!value) continue; // of other lists the page has no more
    asButton(rest, () => {
      for (const input of inputs) input.value = "";
      select.value = value;
      filter();
      form.scrollIntoView();
      select.focus({ preventScroll: true });
    });
  }

  // --- On paper nothing can be opened
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      if (details.closest("[hidden]")) continue;
      details.open = true;
      opened.add(details);
    }
  });
  addEventListener("afterprint", () => {
    for (const details of opened) details.open = false;
    opened.clear();
  });

  sort(0, true);
  filter();
})();
