// Go's net/smtp and crypto/tls. Argument: one JSON object (see labkit.clients).
package main

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net"
	"net/smtp"
	"os"
)

type order struct {
	Name, Tls, Ehlo, Mechanism, User, Secret, Sender, Ca string
	Port                                                 int
	Connections                                          int
	Recipients, Messages, Certificate                    []string
	TlsVersion                                           string `json:"tls_version"`
	Cipher                                               string
}

// What applications add to net/smtp: LOGIN, and OAuth with an initial response.
type login struct{ user, secret string }

func (l login) Start(*smtp.ServerInfo) (string, []byte, error) { return "LOGIN", nil, nil }
func (l login) Next(challenge []byte, more bool) ([]byte, error) {
	if !more {
		return nil, nil
	}
	if len(challenge) > 0 && (challenge[0] == 'U' || challenge[0] == 'u') {
		return []byte(l.user), nil
	}
	return []byte(l.secret), nil
}

type bearer struct{ mechanism, response string }

func (b bearer) Start(*smtp.ServerInfo) (string, []byte, error) {
	return b.mechanism, []byte(b.response), nil
}
func (b bearer) Next(challenge []byte, more bool) ([]byte, error) {
	if more {
		return []byte{}, nil
	}
	return nil, nil
}

func authentication(o order) smtp.Auth {
	switch o.Mechanism {
	case "PLAIN":
		return smtp.PlainAuth("", o.User, o.Secret, o.Name)
	case "CRAM-MD5":
		return smtp.CRAMMD5Auth(o.User, o.Secret)
	case "LOGIN":
		return login{o.User, o.Secret}
	case "XOAUTH2":
		return bearer{"XOAUTH2", "user=" + o.User + "\x01auth=Bearer " + o.Secret + "\x01\x01"}
	case "OAUTHBEARER":
		return bearer{"OAUTHBEARER", "n,a=" + o.User + ",\x01auth=Bearer " + o.Secret + "\x01\x01"}
	}
	return nil
}

func configuration(o order) (*tls.Config, error) {
	authority, err := os.ReadFile(o.Ca)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(os.Getenv("SSLKEYLOGFILE"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	config := &tls.Config{ServerName: o.Name, RootCAs: x509.NewCertPool(), KeyLogWriter: log}
	config.RootCAs.AppendCertsFromPEM(authority)
	config.ClientSessionCache = tls.NewLRUClientSessionCache(8)
	versions := map[string]uint16{"1.0": tls.VersionTLS10, "1.1": tls.VersionTLS11, "1.2": tls.VersionTLS12}
	config.MaxVersion = versions[o.TlsVersion]
	config.MinVersion = versions[o.TlsVersion]
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		if suite.Name == o.Cipher {
			config.CipherSuites = []uint16{suite.ID}
		}
	}
	if len(o.Certificate) == 2 {
		pair, err := tls.LoadX509KeyPair(o.Certificate[0], o.Certificate[1])
		if err != nil {
			return nil, err
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

func send(o order, config *tls.Config) error {
	address := fmt.Sprintf("%s:%d", o.Name, o.Port)
	var connection net.Conn
	var err error
	if o.Tls == "implicit" {
		connection, err = tls.Dial("tcp", address, config)
	} else {
		connection, err = net.Dial("tcp", address)
	}
	if err != nil {
		return err
	}
	client, err := smtp.NewClient(connection, o.Name)
	if err != nil {
		return err
	}
	defer client.Close()
	if err = client.Hello(o.Ehlo); err != nil {
		return err
	}
	if o.Tls == "starttls" {
		if err = client.StartTLS(config); err != nil {
			return err
		}
	}
	if with := authentication(o); with != nil {
		if err = client.Auth(with); err != nil {
			client.Quit()
			return err
		}
	}
	for _, message := range o.Messages {
		if err = client.Mail(o.Sender); err != nil {
			return err
		}
		for _, recipient := range o.Recipients {
			if err = client.Rcpt(recipient); err != nil {
				return err
			}
		}
		writer, err := client.Data()
		if err != nil {
			return err
		}
		fmt.Fprint(writer, message)
		if err = writer.Close(); err != nil {
			return err
		}
	}
	return client.Quit()
}

func main() {
	var o order
	if err := json.Unmarshal([]byte(os.Args[1]), &o); err != nil {
		panic(err)
	}
	config, err := configuration(o)
	for number := 0; err == nil && number < o.Connections; number++ {
		err = send(o, config)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}
