<?php
// PHPMailer. Argument: one JSON object (see labkit.clients).
require '/usr/share/php/libphp-phpmailer/autoload.php';

class Token implements PHPMailer\PHPMailer\OAuthTokenProvider
{
    public function __construct(private string $user, private string $secret) {}

    public function getOauth64(): string
    {
        return base64_encode("user={$this->user}\x01auth=Bearer {$this->secret}\x01\x01");
    }
}

$send = json_decode($argv[1]);
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSMTP();
$mail->Host = $send->name;
$mail->Port = $send->port;
$mail->Helo = $send->ehlo;
$mail->SMTPSecure = $send->tls === 'implicit' ? 'ssl' : 'tls';
$mail->SMTPOptions = ['ssl' => ['cafile' => $send->ca, 'security_level' => 0]];
$mail->SMTPKeepAlive = true;
if ($send->mechanism) {
    $mail->SMTPAuth = true;
    $mail->AuthType = $send->mechanism;
    $mail->Username = $send->user;
    $mail->Password = $send->secret;
    if ($send->mechanism === 'XOAUTH2') {
        $mail->setOAuth(new Token($send->user, $send->secret));
    }
}
$mail->setFrom($send->sender);
$mail->Sender = $send->sender;
foreach ($send->recipients as $recipient) {
    $mail->addAddress($recipient);
}
$mail->Subject = 'bench';
$mail->Body = 'The quick brown fox jumps over the lazy dog.';
try {
    foreach ($send->messages as $message) {
        $mail->send();
    }
} finally {
    $mail->smtpClose();
}
