// nodemailer's smtp-server on ports 25, 587 and 2525 (STARTTLS) and 465 (TLS).
// Arguments: accounts.json, certificate, key. TLS keys: node --tls-keylog.
const fs = require("fs");
const { SMTPServer } = require("smtp-server");

const [accountsFile, certificate, key] = process.argv.slice(2);
const accounts = new Map(JSON.parse(fs.readFileSync(accountsFile)).map((account) => [account.user, account]));

function onAuth(auth, session, callback) {
  const account = accounts.get(auth.username);
  const right =
    account &&
    (auth.method === "XOAUTH2"
      ? account.tokens.includes(auth.accessToken)
      : auth.method === "CRAM-MD5"
        ? auth.validatePassword(account.password)
        : auth.password === account.password);
  if (right) return callback(null, { user: auth.username });
  if (auth.method === "XOAUTH2") return callback(null, { data: { status: "401", schemes: "bearer", scope: "smtp.send" } });
  return callback(new Error("Invalid username or password"));
}

for (const port of [25, 465, 587, 2525]) {
  const server = new SMTPServer({
    name: "inbox.apps.example",
    banner: "application inbox",
    secure: port === 465,
    cert: fs.readFileSync(certificate),
    key: fs.readFileSync(key),
    authMethods: ["PLAIN", "LOGIN", "CRAM-MD5", "XOAUTH2"],
    authOptional: port === 25,
    allowInsecureAuth: true,
    disableReverseLookup: true,
    onAuth,
    onData(stream, session, callback) {
      stream.resume();
      stream.on("end", () => callback(null, "Accepted"));
    },
  });
  server.on("error", (error) => console.error(port, error.message));
  server.listen(port, "::");
}
