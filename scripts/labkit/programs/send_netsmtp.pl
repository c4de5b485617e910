# Net::SMTP with Authen::SASL. Argument: one JSON object (see labkit.clients).
use strict;
use warnings;
use JSON::PP;
use Net::SMTP;
use Authen::SASL;

my $send = decode_json($ARGV[0]);
my %tls = (SSL_ca_file => $send->{ca}, SSL_verify_mode => $send->{trusted} ? 1 : 0);
@tls{qw(SSL_cert_file SSL_key_file)} = @{ $send->{certificate} } if $send->{certificate};
my $smtp = Net::SMTP->new($send->{name}, Port => $send->{port}, Hello => $send->{ehlo}, Timeout => 20,
    ($send->{tls} eq 'implicit' ? (SSL => 1, %tls) : ())) or die "no connection: $@";
if ($send->{tls} eq 'starttls') { $smtp->starttls(%tls) or die 'no TLS: ' . $smtp->message; }
if ($send->{mechanism}) {
    my %callback = (user => $send->{user}, pass => $send->{secret});
    $callback{authname} = $send->{user} if $send->{mechanism} eq 'EXTERNAL';
    my $sasl = Authen::SASL->new(mechanism => $send->{mechanism}, callback => \%callback);
    unless ($smtp->auth($sasl)) { $smtp->quit; exit 1; }
}
for my $message (@{ $send->{messages} }) {
    $smtp->mail($send->{sender}) or last;
    $smtp->to($send->{recipient}) or last;
    $smtp->data($message);
}
$smtp->quit;
