// JavaMail and JSSE. Arguments: name=value (see labkit.clients); run as a single source file.
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.Security;
import java.security.cert.CertificateFactory;
import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import javax.mail.Session;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class SendJavaMail {
    public static void main(String[] arguments) throws Exception {
        Map<String, String> told = new HashMap<>();
        for (String argument : arguments) {
            String[] parts = argument.split("=", 2);
            told.put(parts[0], parts[1]);
        }
        Security.setProperty("jdk.tls.disabledAlgorithms", "");
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        CertificateFactory certificates = CertificateFactory.getInstance("X.509");
        trusted.setCertificateEntry("ca", certificates.generateCertificate(new FileInputStream(told.get("ca"))));
        TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);

        Properties properties = new Properties();
        properties.put("mail.smtp.host", told.get("name"));
        properties.put("mail.smtp.port", told.get("port"));
        properties.put("mail.smtp.localhost", told.get("ehlo"));
        properties.put("mail.smtp.ssl.enable", told.get("tls").equals("implicit"));
        properties.put("mail.smtp.starttls.required", told.get("tls").equals("starttls"));
        properties.put("mail.smtp.starttls.enable", told.get("tls").equals("starttls"));
        properties.put("mail.smtp.ssl.socketFactory", context.getSocketFactory());
        if (told.containsKey("tls_version")) {
            String version = told.get("tls_version");
            properties.put("mail.smtp.ssl.protocols", version.equals("1.0") ? "TLSv1" : "TLSv" + version);
        } else {
            properties.put("mail.smtp.ssl.protocols", "TLSv1.3 TLSv1.2");
        }
        if (told.containsKey("cipher")) {
            properties.put("mail.smtp.ssl.ciphersuites", told.get("cipher"));
        }
        if (told.containsKey("mechanism")) {
            properties.put("mail.smtp.auth", "true");
            properties.put("mail.smtp.auth.mechanisms", told.get("mechanism"));
        }
        Session session = Session.getInstance(properties);
        for (int number = 0; number < Integer.parseInt(told.get("connections")); number++) {
            Transport transport = session.getTransport("smtp");
            if (told.containsKey("mechanism")) {
                transport.connect(told.get("user"), told.get("secret"));
            } else {
                transport.connect();
            }
            for (int count = 0; count < Integer.parseInt(told.get("messages")); count++) {
                MimeMessage message = new MimeMessage(session);
                message.setFrom(new InternetAddress(told.get("sender")));
                message.setSubject("bench");
                message.setText("The quick brown fox jumps over the lazy dog.");
                transport.sendMessage(message, InternetAddress.parse(told.get("recipients")));
            }
            transport.close();
        }
    }
}
