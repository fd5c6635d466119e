// Checks objects against the validators that the npm packages of kubernetes-models compile from the
// published OpenAPI schemas of Kubernetes and of custom resources.
//
// Standard input: JSON, [{name, schema: [package, schema name], object}]. Standard output: JSON, a list of
// problems. A compiled validator ignores a field that it does not know, and so would the API server, with a
// warning; here it is a problem. Which fields it knows is seen by what it reads.
"use strict";

const fs = require("fs");
const path = require("path");

const modules = process.argv[2];

// A view of a value that notes every field that is read, by its path.
function watched(value, place, read) {
  if (value === null || typeof value !== "object") return value;
  return new Proxy(value, {
    get(target, key) {
      if (typeof key !== "string" || !Object.hasOwn(target, key)) return target[key];
      const inner = `${place}/${key}`;
      read.add(inner);
      return watched(target[key], inner, read);
    },
  });
}

function unread(value, place, read, problems) {
  if (value === null || typeof value !== "object") return problems;
  for (const [key, inner] of Object.entries(value)) {
    if (read.has(`${place}/${key}`)) unread(inner, `${place}/${key}`, read, problems);
    else problems.push(`${place}/${key} is not a field of the schema`);
  }
  return problems;
}

function check({ name, schema, object }) {
  const file = path.join(modules, schema[0], "_schemas", `${schema[1]}.js`);
  if (!fs.existsSync(file)) return [`${name}: there is no published schema ${schema.join("/")}`];
  const { validate } = require(file);
  const read = new Set();
  const problems = [];
  if (!validate(watched(object, "", read)))
    for (const { instancePath, keyword, params } of validate.errors)
      problems.push(`${instancePath} ${keyword} ${JSON.stringify(params)}`);
  unread(object, "", read, problems);
  return problems.map((problem) => `${name}: ${problem}`);
}

const items = JSON.parse(fs.readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(items.flatMap(check)));
