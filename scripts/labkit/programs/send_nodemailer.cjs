// nodemailer. Argument: one JSON object (see labkit.clients). TLS keys: node --tls-keylog.
const fs = require("fs");
const nodemailer = require("nodemailer");

const send = JSON.parse(process.argv[2]);
const tls = { ca: fs.readFileSync(send.ca), rejectUnauthorized: send.trusted, servername: send.name };
if (send.tls_version) tls.maxVersion = "TLSv" + send.tls_version;
if (send.certificate) {
  tls.cert = fs.readFileSync(send.certificate[0]);
  tls.key = fs.readFileSync(send.certificate[1]);
}
let auth;
if (send.mechanism === "XOAUTH2") auth = { type: "OAuth2", user: send.user, accessToken: send.secret };
else if (send.mechanism) auth = { user: send.user, pass: send.secret };
const transport = nodemailer.createTransport({
  host: send.name,
  port: send.port,
  name: send.ehlo,
  secure: send.tls === "implicit",
  requireTLS: send.tls === "starttls",
  ignoreTLS: send.tls === "none",
  authMethod: send.mechanism === "XOAUTH2" ? undefined : send.mechanism || undefined,
  auth,
  tls,
  pool: send.messages.length > 1,
  maxConnections: 1,
});

(async () => {
  try {
    for (const raw of send.messages) {
      await transport.sendMail({ envelope: { from: send.sender, to: send.recipient }, raw });
    }
  } catch (error) {
    console.error(error.message);
    process.exitCode = 1;
  }
  transport.close();
})();
