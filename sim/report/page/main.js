// Puts the page together from the results that it carries.

function pageOf(results) {
  if (results.kind === "sweep") return sweepPage(results);
  if (results.kind === "plan") return planPage(results);
  if (results.kind === "validation") return validationPage(results);
  if (results.kind === "plans") return plansPage(results);
  return results.runs.length === 1
    ? runPage(results.runs[0], results.sources)
    : runsPage(results.runs, results.sources);
}

function start() {
  const report = document.getElementById("report");
  try {
    const results = JSON.parse(document.getElementById("results").textContent);
    document.title = `${results.name || results.kind} - Cleave report`;
    report.replaceChildren(
      ...pageOf(results)
        .flat(Infinity)
        .filter((part) => part),
    );
    if (!hasLibrary) {
      report
        .querySelector("h1")
        .after(
          el(
            "p",
            {class: "warning"},
            "This program was built without its chart library: the tables have all numbers.",
          ),
        );
    }
    drawAll();
    watchWindow();
  } catch (error) {
    report.prepend(
      el("p", {class: "bad"}, `This page could not show its results: ${error.message}`),
    );
    throw error;
  }
}

start();
