# Writes TLS keys to $SSLKEYLOGFILE for every Perl program that uses Net::SSLeay (perl -MLabKeys).
package LabKeys;
use strict;
use warnings;
use Net::SSLeay;
use Scalar::Util qw(set_prototype);

# swaks calls it with an array, which compiles only where Net::SSLeay is not loaded yet.
set_prototype(\&Net::SSLeay::CTX_load_verify_locations, undef);

my $new = \&Net::SSLeay::new;
no warnings 'redefine';
*Net::SSLeay::new = sub ($) {
    my ($context) = @_;
    Net::SSLeay::CTX_set_keylog_callback($context, sub {
        my (undef, $line) = @_;
        open(my $log, '>>', $ENV{SSLKEYLOGFILE}) or return;
        print $log "$line\n";
        close($log);
    });
    return $new->($context);
};
1;
